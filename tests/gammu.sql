-- The tables of gammu-smsd that the channel touches, with the columns its manual describes.
create table gammu ("Version" smallint primary key);
insert into gammu values (17);
create table outbox (
    "ID" serial primary key,
    "InsertIntoDB" timestamp(0) not null default localtimestamp(0),
    "SendingDateTime" timestamp not null default localtimestamp(0),
    "SendBefore" time not null default '23:59:59',
    "SendAfter" time not null default '00:00:00',
    "SendingTimeOut" timestamp(0) not null default localtimestamp(0),
    "DestinationNumber" varchar(20) not null default '',
    "TextDecoded" text not null default '',
    "Coding" varchar(255) not null default 'Default_No_Compression',
    "RelativeValidity" integer default -1,
    "DeliveryReport" varchar(10) default 'default' check ("DeliveryReport" in ('default', 'yes', 'no')),
    "CreatorID" text not null,
    "Priority" integer default 0
);
create table sentitems (
    "ID" integer,
    "SequencePosition" integer not null default 1,
    "InsertIntoDB" timestamp(0) not null,
    "DestinationNumber" varchar(20) not null,
    "TextDecoded" text not null,
    "Status" varchar(255) not null,
    "StatusError" integer not null default -1,
    "CreatorID" text not null,
    primary key ("ID", "SequencePosition")
);
create table phones (
    "IMEI" varchar(35) primary key,
    "UpdatedInDB" timestamp(0) not null default localtimestamp(0),
    "Send" boolean not null default 'no',
    "Signal" integer not null default -1
);
