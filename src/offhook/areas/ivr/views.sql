-- The IVRs as the dialplan reads them: switches are 1 and 0.
CREATE VIEW v_ivrs AS
SELECT
    number,
    CASE prompt WHEN '[Default]' THEN 'vm-enter-num-to-call' ELSE 'record/' || prompt END AS prompt,
    promptrepeat,
    responsetimeout,
    digittimeout,
    CASE WHEN dialext THEN 1 ELSE 0 END AS dialext,
    CASE WHEN dialoutboundroutes THEN 1 ELSE 0 END AS dialout,
    CASE WHEN dialtocheckvoicemail THEN 1 ELSE 0 END AS checkvoicemail
FROM ivrs;

-- Where the keys lead, by `<ivr>-<key>`, and `<ivr>-i` and `<ivr>-t` for a wrong key and the time-out.
CREATE VIEW v_ivr_keys AS
SELECT
    k.entry,
    CASE instr(k.destination, ' ')
        WHEN 0 THEN k.destination
        ELSE substr(k.destination, 1, instr(k.destination, ' ') - 1)
    END AS desttype,
    CASE instr(k.destination, ' ') WHEN 0 THEN '' ELSE substr(k.destination, instr(k.destination, ' ') + 1) END AS dest
FROM (
    SELECT number || '-0' AS entry, key0 AS destination FROM ivrs
    UNION ALL SELECT number || '-1', key1 FROM ivrs
    UNION ALL SELECT number || '-2', key2 FROM ivrs
    UNION ALL SELECT number || '-3', key3 FROM ivrs
    UNION ALL SELECT number || '-4', key4 FROM ivrs
    UNION ALL SELECT number || '-5', key5 FROM ivrs
    UNION ALL SELECT number || '-6', key6 FROM ivrs
    UNION ALL SELECT number || '-7', key7 FROM ivrs
    UNION ALL SELECT number || '-8', key8 FROM ivrs
    UNION ALL SELECT number || '-9', key9 FROM ivrs
    UNION ALL SELECT number || '-*', keystar FROM ivrs
    UNION ALL SELECT number || '-#', keyhash FROM ivrs
    UNION ALL SELECT number || '-i', invalid FROM ivrs
    UNION ALL SELECT number || '-t', timeout FROM ivrs
) AS k
WHERE k.destination <> '';
