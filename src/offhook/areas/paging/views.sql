-- Paging groups as the dialplan reads them. `members` are numbers joined by -, those of groups included and without
-- those who do not want to be disturbed; `target` is the multicast address with its port, 2000 unless it has one.
CREATE VIEW v_paginggroups AS
SELECT
    p.number,
    p.type,
    CASE WHEN p.enabledialtoanswer THEN 1 ELSE 0 END AS dialtoanswer,
    CASE WHEN p.multicastip LIKE '%:%:%' THEN 6 ELSE 4 END AS ip,
    CASE
        WHEN p.multicastip LIKE '[%]:%' OR p.multicastip LIKE '%.%:%' THEN p.multicastip
        WHEN p.multicastip LIKE '[%' OR p.multicastip LIKE '%.%' THEN p.multicastip || char(58) || '2000'
        ELSE '[' || p.multicastip || ']' || char(58) || '2000'
    END AS target,
    COALESCE((
        SELECT group_concat(e.number, '-')
        FROM extensions AS e
        WHERE NOT e.dnd AND e.number IN (
            SELECT m.number FROM paging_members AS m WHERE m.paginggroup = p.number
            UNION
            SELECT g.number
            FROM paging_groups AS l
            JOIN extension_group_members AS g ON g.group_id = l.group_id
            WHERE l.paginggroup = p.number
        )
    ), '') AS members
FROM paginggroups AS p;
