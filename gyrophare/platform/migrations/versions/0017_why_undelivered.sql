-- Why a message never arrived, as the provider says after it took it; what it refuses at once is in its attempts.
alter table notification add column provider_error_code text;
