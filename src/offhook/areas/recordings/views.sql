-- Which extensions' calls are recorded, and who may record by a key. A setting is `all` or numbers joined by commas.
CREATE VIEW v_recorded AS
SELECT
    number,
    CASE
        WHEN COALESCE((SELECT value FROM pbx_settings WHERE name = 'recording.extensions'), '') = 'all' THEN 1
        WHEN INSTR(
            ',' || COALESCE((SELECT value FROM pbx_settings WHERE name = 'recording.extensions'), '') || ',',
            ',' || number || ','
        ) > 0 THEN 1
        ELSE 0
    END AS record,
    CASE
        WHEN COALESCE((SELECT value FROM pbx_settings WHERE name = 'recording.ondemand'), '') = 'all' THEN 1
        WHEN INSTR(
            ',' || COALESCE((SELECT value FROM pbx_settings WHERE name = 'recording.ondemand'), '') || ',',
            ',' || number || ','
        ) > 0 THEN 1
        ELSE 0
    END AS ondemand
FROM extensions;

-- What the two hear when a call of this type begins to be recorded.
CREATE VIEW v_announced AS
SELECT types.type, 'record/' || settings.value AS sound
FROM (SELECT 'Inbound' AS type UNION ALL SELECT 'Outbound' UNION ALL SELECT 'Internal') AS types
JOIN pbx_settings AS settings ON settings.name = 'recording.announce' AND settings.value <> ''
WHERE types.type = 'Inbound'
OR EXISTS (SELECT 1 FROM pbx_settings WHERE name = 'recording.announcefor' AND value = 'all');
