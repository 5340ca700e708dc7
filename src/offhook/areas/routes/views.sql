-- What the dialplan asks about routes; their patterns are in the generated dialplan (docs/adr/0005).

-- `trunks` are endpoints' ids joined by -, in order.
CREATE VIEW v_outroutes AS
SELECT
    r.id,
    COALESCE(NULLIF(r.strip, ''), '0') AS strip,
    r.prepend,
    r.password,
    COALESCE((SELECT p.id FROM pinlists AS p WHERE p.name = r.pinlist), '') AS pinlist,
    COALESCE((
        SELECT group_concat(trunk_id, '-') FROM (
            SELECT l.trunk_id
            FROM outroute_trunks AS l
            JOIN trunks AS t ON t.id = l.trunk_id
            WHERE l.route_id = r.id AND t.enabled
            ORDER BY l.position
        )
    ), '') AS trunks
FROM outroutes AS r;

-- Who may use which route, by `<route>-<right>`: a right is an extension's number, an IVR or a DISA.
CREATE VIEW v_outrights AS
SELECT route_id || '-' || number AS entry, route_id AS route FROM outroute_extensions
UNION ALL
SELECT g.route_id || '-' || m.number, g.route_id
FROM outroute_groups AS g
JOIN extension_group_members AS m ON m.group_id = g.group_id
UNION ALL
SELECT o.route_id || '-disa' || o.disa_id, o.route_id FROM disa_outroutes AS o
UNION ALL
SELECT o.route_id || '-ivr' || o.number, o.route_id
FROM ivr_outroutes AS o
JOIN ivrs AS i ON i.number = o.number AND i.dialoutboundroutes
UNION ALL
SELECT r.id || '-ivr' || i.number, r.id
FROM ivrs AS i, outroutes AS r
WHERE i.dialoutboundroutes AND NOT EXISTS (SELECT 1 FROM ivr_outroutes AS o WHERE o.number = i.number)
UNION ALL
SELECT r.id || '-callback' || c.id, r.id
FROM callbacks AS c
JOIN outroutes AS r ON r.name = c.outroute;

-- The PINs of each list, by `<list>-<pin>`.
CREATE VIEW v_pins AS
SELECT p.id || '-' || j.value AS entry, p.id AS list
FROM pinlists AS p, json_each('["' || replace(p.pins, ',', '","') || '"]') AS j;
