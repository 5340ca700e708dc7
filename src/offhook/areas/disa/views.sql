CREATE VIEW v_disas AS SELECT id, name, password, responsetimeout, digittimeout FROM disas;

CREATE VIEW v_callbacks AS
SELECT
    c.id,
    c.name,
    c.delay,
    c.strip,
    c.prepend,
    CASE instr(c.destination, ' ')
        WHEN 0 THEN c.destination
        ELSE substr(c.destination, 1, instr(c.destination, ' ') - 1)
    END AS desttype,
    CASE instr(c.destination, ' ') WHEN 0 THEN '' ELSE substr(c.destination, instr(c.destination, ' ') + 1) END AS dest
FROM callbacks AS c;
