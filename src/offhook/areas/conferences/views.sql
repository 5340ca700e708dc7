-- Conference rooms as the dialplan reads them: switches are 1 and 0. An instant conference is `closed`: only
-- those may dial it whom it has called.
CREATE VIEW v_conferences AS
SELECT
    number,
    participantepassword AS participantpassword,
    moderatorpassword,
    CASE WHEN waitformoderator THEN 'yes' ELSE 'no' END AS waitmarked,
    CASE WHEN allowinvite THEN 1 ELSE 0 END AS allowinvite,
    CASE WHEN musiconhold THEN 'yes' ELSE 'no' END AS music,
    CASE WHEN announcements THEN 'no' ELSE 'yes' END AS quiet,
    CASE WHEN record THEN 1 ELSE 0 END AS record,
    0 AS closed
FROM conferences
UNION ALL SELECT number, '', '', 'yes', 0, 'yes', 'yes', 0, 1 FROM instant_conferences;

-- Who is a moderator without a password, by `<room>-<extension>`.
CREATE VIEW v_moderators AS
SELECT conference || '-' || number AS entry, conference FROM conference_moderators
UNION ALL SELECT conference || '-' || number, conference FROM instant_members WHERE moderator;

CREATE VIEW v_invited AS
SELECT conference || '-' || number AS entry, conference FROM instant_members;
