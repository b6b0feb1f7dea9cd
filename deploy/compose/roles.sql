-- Run once by the superuser, in the new database. The owner migrates and seeds, and is no superuser; the server reads;
-- the exporter sees statistics. sql/reader-role.ts says what the owner would need to make the reader by itself.
\set owner_password `cat /run/secrets/owner`
\set reader_password `cat /run/secrets/reader`
\set exporter_password `cat /run/secrets/exporter`

CREATE ROLE frontshelf_owner LOGIN PASSWORD :'owner_password';
ALTER DATABASE frontshelf OWNER TO frontshelf_owner;

-- Of 200 connections some stay for the others.
CREATE ROLE frontshelf_reader LOGIN PASSWORD :'reader_password' CONNECTION LIMIT 185;
ALTER ROLE frontshelf_reader SET default_transaction_read_only = on;
GRANT frontshelf_reader TO frontshelf_owner;

CREATE ROLE frontshelf_exporter LOGIN PASSWORD :'exporter_password' IN ROLE pg_monitor;
