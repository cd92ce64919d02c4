DROP TABLE mail_codes;
