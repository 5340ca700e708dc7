-- What Asterisk reads of the extensions (realtime, see docs/internals.md). Column names are options of
-- res_pjsip and of app_voicemail. `transport` stays empty: a value would pin calls to it and break TLS phones.

CREATE VIEW ps_endpoints AS
SELECT
    number AS id,
    '' AS transport,
    registername AS aors,
    number AS auth,
    'from-extension' AS context,
    '!all,opus,g722,alaw,ulaw' AS allow,
    '"' || username || '" <' || callerid || '>' AS callerid,
    CASE WHEN hasvoicemail THEN number || '@default' ELSE '' END AS mailboxes,
    '*2' AS voicemail_extension,
    'OFFHOOK_MAX=' || CASE
        WHEN maxduration GLOB '[0-9]*' THEN CAST(maxduration AS INTEGER)
        WHEN maxduration = 'Follow System'
            THEN COALESCE((SELECT CAST(value AS INTEGER) FROM pbx_settings WHERE name = 'general.maxduration'), 0)
        ELSE 0
    END AS set_var,
    'no' AS direct_media,
    'yes' AS rewrite_contact,
    'yes' AS rtp_symmetric,
    'yes' AS force_rport,
    -- the address of a 302 reaches AMI: as a URI its odd characters stay escaped, as a number they do not
    'uri_core' AS redirect_method,
    'auto' AS dtmf_mode,
    'sdes' AS media_encryption,
    CASE
        WHEN COALESCE((
            SELECT value = 'all' OR ',' || value || ',' LIKE '%,' || number || ',%'
            FROM pbx_settings WHERE name = 'sip.srtponly'
        ), 0) THEN 'no'
        ELSE 'yes'
    END AS media_encryption_optimistic,
    'no' AS trust_id_inbound,
    'yes' AS send_pai,
    'yes' AS send_connected_line,
    '1' AS call_group,
    '1' AS pickup_group,
    '60' AS rtp_timeout,
    '900' AS rtp_timeout_hold,
    'yes' AS timers,
    '1800' AS timers_sess_expires,
    'default' AS moh_suggest,
    CASE
        WHEN language = '' THEN COALESCE((SELECT value FROM pbx_settings WHERE name = 'general.language'), 'en')
        ELSE language
    END AS language
FROM extensions;

CREATE VIEW ps_auths AS
SELECT
    number AS id,
    'md5' AS auth_type,
    registername AS username,
    ha1 AS md5_cred,
    'offhook' AS realm
FROM extensions;

CREATE VIEW ps_aors AS
SELECT
    registername AS id,
    maxregistrations AS max_contacts,
    'yes' AS remove_existing,
    'yes' AS remove_unavailable,
    CASE WHEN hasvoicemail THEN number || '@default' ELSE '' END AS mailboxes,
    '60' AS qualify_frequency,
    '3' AS qualify_timeout,
    '60' AS minimum_expiration,
    '3600' AS maximum_expiration,
    '300' AS default_expiration,
    'no' AS authenticate_qualify,
    'yes' AS support_path
FROM extensions;

-- One row for each look-up of the dialplan. Limits are seconds, 0 for none. `username` stands last: the
-- dialplan's hash takes an opened bracket in a value for the begin of a group and swallows what follows.
CREATE VIEW v_extensions AS
SELECT
    number,
    callerid,
    ringtimeout,
    CASE
        WHEN maxduration GLOB '[0-9]*' THEN CAST(maxduration AS INTEGER)
        WHEN maxduration = 'Follow System'
            THEN COALESCE((SELECT CAST(value AS INTEGER) FROM pbx_settings WHERE name = 'general.maxduration'), 0)
        ELSE 0
    END AS maxseconds,
    CASE WHEN hasvoicemail THEN 1 ELSE 0 END AS hasvoicemail,
    CASE WHEN dnd THEN 1 ELSE 0 END AS dnd,
    CASE WHEN callrestriction THEN 1 ELSE 0 END AS callrestriction,
    CASE WHEN alwaysforward THEN atransferto ELSE '' END AS always_to,
    CASE atransferto
        WHEN 'Extension' THEN atransferext
        WHEN 'Mobile Number' THEN atransferprefix || mobile
        WHEN 'Custom Number' THEN atransferprefix || atransfernum
        ELSE ''
    END AS always_number,
    CASE WHEN noanswerforward THEN ntransferto ELSE '' END AS noanswer_to,
    CASE ntransferto
        WHEN 'Extension' THEN ntransferext
        WHEN 'Mobile Number' THEN ntransferprefix || mobile
        WHEN 'Custom Number' THEN ntransferprefix || ntransfernum
        ELSE ''
    END AS noanswer_number,
    CASE WHEN busyforward THEN btransferto ELSE '' END AS busy_to,
    CASE btransferto
        WHEN 'Extension' THEN btransferext
        WHEN 'Mobile Number' THEN btransferprefix || mobile
        WHEN 'Custom Number' THEN btransferprefix || btransfernum
        ELSE ''
    END AS busy_number,
    CASE WHEN ringsimultaneous AND mobile <> '' THEN mobileprefix || mobile ELSE '' END AS simultaneous,
    username
FROM extensions;

-- The mailboxes; and in a context of its own everybody whose name can be spelt on the keys, for Directory(), which
-- reads the same family. Keys have no accents, and a comma would end the name.
CREATE VIEW voicemail AS
SELECT
    CAST(number AS INTEGER) AS uniqueid,
    'default' AS context,
    number AS mailbox,
    vmsecret AS password,
    username AS fullname,
    '' AS email,
    '' AS pager,
    COALESCE((SELECT value FROM pbx_settings WHERE name = 'voicemail.maxlength'), '300') AS maxsecs,
    COALESCE((SELECT value FROM pbx_settings WHERE name = 'voicemail.minlength'), '1') AS minsecs,
    COALESCE((SELECT value FROM pbx_settings WHERE name = 'voicemail.maxmessages'), '100') AS maxmsg
FROM extensions
WHERE hasvoicemail
UNION ALL SELECT
    CAST(number AS INTEGER),
    'directory',
    number,
    '-',
    (
        WITH RECURSIVE spelt(at, name) AS (
            SELECT 1, REPLACE(e.username, ',', ' ')
            UNION ALL SELECT at + 1, REPLACE(
                name,
                substr('äöüßáàâãåæçéèêëíìîïñóòôõøúùûýčćęąłńřśšžżźÄÖÜÁÅÆÇÉÈÍÑÓØÚČĆŁŘŚŠŽŻ', at, 1),
                substr('aousaaaaaaceeeeiiiinooooouuuyccealnrsszzzAOUAAACEEINOOUCCLRSSZZ', at, 1)
            )
            FROM spelt WHERE at <= 63
        )
        SELECT name FROM spelt WHERE at > 63
    ),
    '',
    '',
    '',
    '',
    ''
FROM extensions AS e;
