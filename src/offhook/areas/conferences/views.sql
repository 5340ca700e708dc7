-- Conference rooms as the dialplan reads them: switches are 1 and 0.
CREATE VIEW v_conferences AS
SELECT
    number,
    participantepassword AS participantpassword,
    moderatorpassword,
    CASE WHEN waitformoderator THEN 'yes' ELSE 'no' END AS waitmarked,
    CASE WHEN allowinvite THEN 1 ELSE 0 END AS allowinvite,
    CASE WHEN musiconhold THEN 'yes' ELSE 'no' END AS music,
    CASE WHEN announcements THEN 'no' ELSE 'yes' END AS quiet
FROM conferences;

-- Who is a moderator without a password, by `<room>-<extension>`.
CREATE VIEW v_moderators AS
SELECT conference || '-' || number AS entry, conference FROM conference_moderators;
