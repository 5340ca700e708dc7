-- What the dialplan asks of a mailbox.

CREATE VIEW v_mailboxes AS
SELECT
    e.number,
    COALESCE(m.greeting, '') AS greeting,
    COALESCE(NULLIF(m.greetingbusy, ''), m.greeting, '') AS greetingbusy
FROM extensions AS e
LEFT JOIN mailboxes AS m ON m.extension = e.number
WHERE e.hasvoicemail;

-- The PIN of each box; the columns say from where it opens it, 1 or 0. A typed PIN is never part of a query: the
-- engine writes queries that fail into its log.
CREATE VIEW v_mailbox_pins AS
SELECT
    number,
    vmsecret AS pin,
    1 AS own,
    CASE WHEN vmsecret <> number OR allowed IN ('inside', 'everywhere') THEN 1 ELSE 0 END AS inside,
    CASE WHEN vmsecret <> number OR allowed = 'everywhere' THEN 1 ELSE 0 END AS outside
FROM extensions
CROSS JOIN (
    SELECT COALESCE((SELECT value FROM pbx_settings WHERE name = 'voicemail.defaultpin'), 'inside') AS allowed
) AS defaultpin
WHERE hasvoicemail AND vmsecret <> '';

-- How PINs are guarded: one row.
CREATE VIEW v_pin_guard AS
SELECT
    'voicemail' AS name,
    CAST(COALESCE((SELECT value FROM pbx_settings WHERE name = 'voicemail.pinattempts'), '5') AS INTEGER) AS perbox,
    CAST(COALESCE((SELECT value FROM pbx_settings WHERE name = 'voicemail.callerattempts'), '15') AS INTEGER)
        AS percaller,
    CAST(COALESCE((SELECT value FROM pbx_settings WHERE name = 'voicemail.pinwindow'), '900') AS INTEGER)
        AS forgotten,
    CAST(COALESCE((SELECT value FROM pbx_settings WHERE name = 'voicemail.pinlock'), '900') AS INTEGER) AS locked
