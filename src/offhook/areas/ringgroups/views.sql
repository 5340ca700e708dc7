-- Ring groups as the dialplan reads them; `members` are numbers joined by -, without those not to be disturbed.
CREATE VIEW v_ringgroups AS
SELECT
    r.number,
    CASE r.ringstrategy WHEN 'Ring All' THEN 'all' ELSE 'order' END AS strategy,
    r.ringtime,
    COALESCE((
        SELECT group_concat(number, '-') FROM (
            SELECT m.number
            FROM ringgroup_members AS m
            JOIN extensions AS e ON e.number = m.number
            WHERE m.ringgroup = r.number AND NOT e.dnd
            ORDER BY m.position
        )
    ), '') AS members,
    CASE instr(r.failover, ' ')
        WHEN 0 THEN r.failover
        ELSE substr(r.failover, 1, instr(r.failover, ' ') - 1)
    END AS desttype,
    CASE instr(r.failover, ' ') WHEN 0 THEN '' ELSE substr(r.failover, instr(r.failover, ' ') + 1) END AS dest
FROM ringgroups AS r;
