-- Paging groups as the dialplan reads them; `members` are numbers joined by -, those of groups included.
CREATE VIEW v_paginggroups AS
SELECT
    p.number,
    p.type,
    CASE WHEN p.enabledialtoanswer THEN 1 ELSE 0 END AS dialtoanswer,
    p.multicastip,
    COALESCE((
        SELECT group_concat(number, '-') FROM (
            SELECT m.number FROM paging_members AS m WHERE m.paginggroup = p.number
            UNION
            SELECT g.number
            FROM paging_groups AS l
            JOIN extension_group_members AS g ON g.group_id = l.group_id
            WHERE l.paginggroup = p.number
        )
    ), '') AS members
FROM paginggroups AS p;
