DROP TRIGGER events_sign_in{{if not .Cold}} ON events{{end}};
{{if not .Cold}}DROP FUNCTION keep_sign_in();
{{end -}}
DROP TABLE sign_ins;
DROP INDEX remembered_browsers_ip;
DROP INDEX events_ip;
DROP INDEX sessions_ip;
ALTER TABLE logins DROP COLUMN remember;
ALTER TABLE sessions DROP COLUMN shown_at;
ALTER TABLE sessions DROP COLUMN turned_at;
ALTER TABLE sessions DROP COLUMN turn;
ALTER TABLE sessions DROP COLUMN lasting;
ALTER TABLE sessions DROP COLUMN ip_at;
