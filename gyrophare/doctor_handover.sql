-- name: modem
-- The daemon says every minute that it lives. Its instants have no zone: they are read in the database's own.
select extract(epoch from now() - max("UpdatedInDB"))::float8 as silent_s,
       (select count(*) from outbox where "InsertIntoDB" < now() - interval '1 minute') as late
from phones where "Send"
