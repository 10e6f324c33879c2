-- The store writes only fixes of devices that it has just read, and a device is revoked, never deleted: to look each up
-- again took a third of the time of an insert. And on TimescaleDB a day that is dropped takes its key along, for which
-- `device` is locked against every reader: behind a dump, which reads for an hour, nobody's SOS would be heard.
alter table fix drop constraint fix_device_id_fkey;
