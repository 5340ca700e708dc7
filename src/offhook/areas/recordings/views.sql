-- Which extensions' calls are recorded, and who may record by a key. A setting is `all` or numbers joined by commas.
CREATE VIEW v_recorded AS
SELECT
    number,
    EXISTS (
        SELECT 1 FROM pbx_settings
        WHERE name = 'recording.extensions' AND (value = 'all' OR INSTR(',' || value || ',', ',' || number || ','))
    ) AS record,
    EXISTS (
        SELECT 1 FROM pbx_settings
        WHERE name = 'recording.ondemand' AND (value = 'all' OR INSTR(',' || value || ',', ',' || number || ','))
    ) AS ondemand
FROM extensions;

-- What the two hear when a call of this type begins to be recorded.
CREATE VIEW v_announced AS
SELECT types.type, 'record/' || settings.value AS sound
FROM (SELECT 'Inbound' AS type UNION ALL SELECT 'Outbound' UNION ALL SELECT 'Internal') AS types
JOIN pbx_settings AS settings ON settings.name = 'recording.announce' AND settings.value <> ''
WHERE types.type = 'Inbound'
OR EXISTS (SELECT 1 FROM pbx_settings WHERE name = 'recording.announcefor' AND value = 'all');
