-- What the engine's ACL reads for every request (ADR 3): in force with the commit, and over by itself. Their number
-- is bounded, as each costs time for every request; those stay that cannot have been forged, then the newest.
-- One that has not begun yet is of a clock that was put back, and over (AHEAD_SECONDS in service.py).

CREATE VIEW ps_bans AS
SELECT
    'bans' AS id,
    group_concat(address) AS deny
FROM (
    SELECT address
    FROM bans
    WHERE
        until > CAST(strftime('%s', 'now') AS INTEGER)
        AND since <= CAST(strftime('%s', 'now') AS INTEGER) + 60
    ORDER BY proven DESC, since DESC
    LIMIT 200
)
HAVING COUNT(*) > 0;
