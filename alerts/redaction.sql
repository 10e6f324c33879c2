-- name: claim_unredacted
-- Ended, or unknown though sent: a message that may still be on its way keeps its text. So does one to a number whose others
-- may yet be looked for: it may have told of several alerts.
update notification set redact_tries = redact_tries + 1
where id in (
    select id from notification n
    where channel = 'sms' and provider_id is not null and redacted_at is null and redact_tries < 2
      and (state = 'failed' or provider_status in ('sent', 'delivered'))
      and provider_final_at + make_interval(
          secs => case redact_tries when 0 then %(first_after_s)s else %(again_after_s)s end) <= %(now)s
      and not exists (
          select from notification d
          where d.channel = 'sms' and d.address = n.address and d.state in ('pending', 'sending', 'ambiguous')
            and d.attempts > 0
      )
    order by provider_final_at
    limit %(most)s
    for update skip locked
)
returning id, provider_id

-- name: note_redacted
update notification set redacted_at = %(now)s where id = %(id)s
