-- What the dialplan asks about trunks. Their SIP objects are in a generated file (docs/adr/0005).

-- Words that others choose stand last: the dialplan's hash takes an opened bracket in a value for the begin of
-- a group and swallows what follows.
CREATE VIEW v_trunks AS
SELECT
    id,
    'trunk-' || trunkname || '-endpoint' AS endpoint,
    trunktype,
    didsource,
    callerid,
    maxchannels,
    control_answering,
    control_destination,
    CASE WHEN record THEN 1 ELSE 0 END AS record,
    COALESCE((SELECT value FROM pbx_settings WHERE name = 'general.undecided'), 'ringing') AS undecided,
    COALESCE((SELECT group_concat(limit_id, '-') FROM calllimit_trunks WHERE trunk_id = trunks.id), '') AS limits,
    -- last: the dialplan's hash takes an opened bracket in a value for a group and swallows what follows
    username
FROM trunks
WHERE enabled;

-- The number that a caller shows on a trunk, by `<trunk>-<extension>`: the extension's own before its groups'.
CREATE VIEW v_dods AS
SELECT entry, number, name FROM (
    SELECT trunk_id || '-' || extension AS entry, number, name, 0 AS rank, position
    FROM trunk_dods
    WHERE extension IS NOT NULL
    UNION ALL
    SELECT d.trunk_id || '-' || m.number, d.number, d.name, 1, d.position
    FROM trunk_dods AS d
    JOIN extension_group_members AS m ON m.group_id = d.group_id
)
ORDER BY rank, position;
