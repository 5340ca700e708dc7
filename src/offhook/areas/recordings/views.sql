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
