-- What the dialplan asks about limits of calls out.

-- Who may have a right to call out, the ids of his limits joined by -, and the settings of all. A limit for the
-- `others` holds where none with the same time condition names who calls. No view of the members stands in between:
-- it would be made whole, of every group, for each call.
CREATE VIEW v_spenders AS
SELECT
    w.caller,
    COALESCE((
        SELECT group_concat(l.id, '-')
        FROM calllimits AS l
        WHERE EXISTS (SELECT 1 FROM calllimit_extensions AS e WHERE e.limit_id = l.id AND e.number = w.caller)
        OR EXISTS (
            SELECT 1
            FROM calllimit_groups AS g
            JOIN extension_group_members AS m ON m.group_id = g.group_id AND m.number = w.caller
            WHERE g.limit_id = l.id
        )
        OR (l.others AND NOT EXISTS (
            SELECT 1
            FROM calllimit_extensions AS e
            JOIN calllimits AS o ON o.id = e.limit_id
            WHERE e.number = w.caller AND o.timecondition = l.timecondition
        ) AND NOT EXISTS (
            SELECT 1
            FROM calllimits AS o
            JOIN calllimit_groups AS g ON g.limit_id = o.id
            JOIN extension_group_members AS m ON m.group_id = g.group_id AND m.number = w.caller
            WHERE o.timecondition = l.timecondition
        ))
    ), '') AS limits,
    CASE WHEN (SELECT value FROM pbx_settings WHERE name = 'spending.stop') = 'on' THEN 1 ELSE 0 END AS stop,
    COALESCE((SELECT value FROM pbx_settings WHERE name = 'spending.simultaneous'), '50') AS simultaneous,
    REPLACE(COALESCE((SELECT value FROM pbx_settings WHERE name = 'spending.emergency'), '112,911'), ',', '-')
        AS emergency,
    COALESCE((SELECT value FROM pbx_settings WHERE name = 'spending.country'), '') AS country,
    REPLACE(COALESCE((SELECT value FROM pbx_settings WHERE name = 'spending.international'), '00'), ',', '|')
        AS international,
    COALESCE((SELECT value FROM pbx_settings WHERE name = 'spending.national'), '0') AS national,
    CASE WHEN (SELECT value FROM pbx_settings WHERE name = 'spending.cut') = 'off' THEN 0 ELSE 1 END AS cut,
    COALESCE((SELECT value FROM pbx_settings WHERE name = 'spending.warning'), '30') AS warning,
    CASE WHEN (SELECT value FROM pbx_settings WHERE name = 'spending.announce') = 'off' THEN 0 ELSE 1 END
        AS announce
FROM (
    SELECT number AS caller FROM extensions
    UNION ALL
    SELECT 'ivr' || number FROM ivrs
    UNION ALL
    SELECT 'disa' || id FROM disas
    UNION ALL
    SELECT 'callback' || id FROM callbacks
    UNION ALL
    SELECT 'transit'
) AS w;

-- One limit. `time` is the id of its time condition.
CREATE VIEW v_call_limits AS
SELECT
    l.id,
    COALESCE((SELECT t.id FROM timeconditions AS t WHERE t.name = l.timecondition), '') AS time,
    CASE WHEN l.barred THEN 1 ELSE 0 END AS barred,
    l.calls,
    l.minutes * 60 AS seconds,
    l.simultaneous,
    REPLACE(l.allow, ',', '|') AS allow,
    REPLACE(l.deny, ',', '|') AS deny
FROM calllimits AS l;
