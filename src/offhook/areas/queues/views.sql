-- What app_queue reads (its own option names), and what the dialplan needs beside it.

CREATE VIEW v_queues AS
SELECT
    number AS name,
    CASE musiconhold WHEN '[None]' THEN 'default' ELSE musiconhold END AS musiconhold,
    CASE agentannounce WHEN '[None]' THEN '' ELSE 'record/' || agentannounce END AS announce,
    CASE breakoutkey
        WHEN 'None' THEN ''
        WHEN '*' THEN 'offhook-breakout-star'
        WHEN '#' THEN 'offhook-breakout-hash'
        ELSE 'offhook-breakout-' || breakoutkey
    END AS context,
    agenttimeout AS timeout,
    CASE WHEN ringinuse THEN 'yes' ELSE 'no' END AS ringinuse,
    'yes' AS setinterfacevar,
    CASE WHEN announcepos OR announceholdtime THEN announcefreq ELSE 0 END AS announce_frequency,
    CASE WHEN announcepos THEN 'yes' ELSE 'no' END AS announce_position,
    CASE WHEN announceholdtime THEN 'yes' ELSE 'no' END AS announce_holdtime,
    CASE userannounce WHEN '[None]' THEN '' ELSE 'record/' || userannounce END AS periodic_announce,
    CASE userannounce WHEN '[None]' THEN 0 ELSE userannouncefreq END AS periodic_announce_frequency,
    retry,
    wrapuptime,
    0 AS maxlen,
    CASE ringstrategy
        WHEN 'Ring All' THEN 'ringall'
        WHEN 'Least Recent' THEN 'leastrecent'
        WHEN 'Fewest Calls' THEN 'fewestcalls'
        WHEN 'Random' THEN 'random'
        WHEN 'Rrmemory' THEN 'rrmemory'
        ELSE 'linear'
    END AS strategy,
    CASE WHEN joinempty THEN 'yes' ELSE 'paused,invalid,unavailable,unknown' END AS joinempty,
    CASE WHEN leavewhenempty THEN 'paused,invalid,unavailable,unknown' ELSE 'no' END AS leavewhenempty,
    'no' AS autopause,
    'no' AS reportholdtime,
    'yes' AS timeoutrestart
FROM queues;

-- One phone is dialled itself; several need a Local channel. An agent who is not to be disturbed is paused.
CREATE VIEW v_queue_members AS
SELECT
    a.queue || '-' || a.number AS uniqueid,
    a.queue AS queue_name,
    CASE WHEN e.maxregistrations > 1 THEN 'Local/' || a.number || '@offhook-agent' ELSE 'PJSIP/' || a.number END AS interface,
    'PJSIP/' || a.number AS state_interface,
    a.number AS membername,
    0 AS penalty,
    CASE
        WHEN e.dnd OR EXISTS (SELECT 1 FROM queue_pauses AS p WHERE p.queue = a.queue AND p.number = a.number)
            THEN 1
        ELSE 0
    END AS paused,
    '' AS reason_paused
FROM (SELECT queue, number, MIN(position) AS position FROM queue_agents GROUP BY queue, number) AS a
JOIN extensions AS e ON e.number = a.number
ORDER BY a.queue, a.position;

CREATE VIEW v_queue_settings AS
SELECT
    number,
    maxwaittime,
    password,
    CASE joinannounce WHEN '[None]' THEN '' ELSE 'record/' || joinannounce END AS joinannounce,
    CASE satisfactionsurvey WHEN 'None' THEN '' ELSE 'record/' || satisfactionsurvey END AS survey,
    CASE idannouncement WHEN 'None' THEN '' ELSE 'record/' || idannouncement END AS idannouncement,
    CASE failoveraction
        WHEN 'Extension' THEN 'extension'
        WHEN 'Voicemail' THEN 'voicemail'
        WHEN 'IVR' THEN 'ivr'
        WHEN 'Ring Group' THEN 'ringgroup'
        WHEN 'Queue' THEN 'queue'
        WHEN 'Conference' THEN 'conference'
        WHEN 'Fax to Email' THEN 'faxtoemail'
        WHEN 'Dial by name' THEN 'dialbyname'
        ELSE 'hangup'
    END AS failover_type,
    failoverdest AS failover_dest,
    CASE breakoutaction
        WHEN 'Extension' THEN 'extension'
        WHEN 'Voicemail' THEN 'voicemail'
        WHEN 'IVR' THEN 'ivr'
        WHEN 'Ring Group' THEN 'ringgroup'
        WHEN 'Queue' THEN 'queue'
        WHEN 'Conference' THEN 'conference'
        WHEN 'Fax to Email' THEN 'faxtoemail'
        WHEN 'Dial by name' THEN 'dialbyname'
        ELSE 'hangup'
    END AS breakout_type,
    breakoutdest AS breakout_dest
FROM queues;

CREATE VIEW v_agents AS
SELECT queue || '-' || number AS entry, queue, MAX(static) AS static FROM queue_agents GROUP BY queue, number;
