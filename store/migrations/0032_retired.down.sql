DROP TABLE retired;
