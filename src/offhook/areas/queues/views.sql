-- What app_queue reads (its own option names), and what the dialplan needs beside it.

CREATE VIEW v_queues AS
SELECT
    number AS name,
    CASE musiconhold WHEN '[None]' THEN 'default' ELSE musiconhold END AS musiconhold,
    -- where agents are announced to callers the dialplan plays it: offhook-agent-told
    CASE WHEN agentannounce = '[None]' OR idannouncement <> 'None' THEN '' ELSE 'record/' || agentannounce END AS announce,
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
    -- the first caller is one of those who wait
    'yes' AS announce_to_first_user,
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
    -- who is paused counts as away by his penalty, see v_queue_members; who wraps up will be back
    CASE WHEN joinempty THEN 'yes' ELSE 'penalty,invalid,unavailable,unknown' END AS joinempty,
    CASE WHEN leavewhenempty THEN 'penalty,invalid,unavailable,unknown' ELSE 'no' END AS leavewhenempty,
    'no' AS autopause,
    'no' AS reportholdtime,
    'yes' AS timeoutrestart
FROM queues;

-- Who wraps up a call from a queue, per queue: until his last call is as old as the queue wants.
CREATE VIEW v_wrapups AS
SELECT a.queue, a.number
FROM queue_agents AS a
JOIN queues AS q ON q.number = a.queue
JOIN agent_last_calls AS l ON l.number = a.number
WHERE CAST(strftime('%s', 'now') AS INTEGER) BETWEEN CAST(l.ended AS INTEGER) AND l.ended + q.wrapuptime;

-- The agents of each queue in their order, static ones and those who have logged in.
CREATE VIEW v_queue_agents AS
SELECT queue, number, MIN(position) AS position FROM queue_agents GROUP BY queue, number;

-- One phone is dialled itself; several need a Local channel. An agent who is paused or not to be disturbed has a
-- penalty beyond what callers bear (QUEUE_MAX_PENALTY), so that the queue is as good as without him; one who
-- wraps up is only paused. app_queue knows its agents by the id and looks at interface and place never again:
-- with another interface he is another agent, and in a linear queue with others before him.
CREATE VIEW v_queue_members AS
SELECT
    m.queue || '-' || m.interface || m.place AS uniqueid,
    m.queue AS queue_name,
    m.interface,
    'PJSIP/' || m.number AS state_interface,
    m.number AS membername,
    CASE WHEN m.away THEN 10 ELSE 0 END AS penalty,
    CASE
        WHEN m.away OR EXISTS (SELECT 1 FROM v_wrapups AS w WHERE w.queue = m.queue AND w.number = m.number) THEN 1
        ELSE 0
    END AS paused,
    '' AS reason_paused
FROM (
    SELECT
        a.queue,
        a.number,
        a.position,
        CASE
            WHEN q.idannouncement <> 'None' THEN 'Local/' || a.number || '*' || a.queue || '@offhook-agent-told'
            WHEN e.maxregistrations > 1 THEN 'Local/' || a.number || '@offhook-agent'
            ELSE 'PJSIP/' || a.number
        END AS interface,
        CASE WHEN q.ringstrategy = 'Linear' THEN (
            -- a number that stands for all who come before him, and for himself
            SELECT '-' || SUM((b.position + 1) * CAST(b.number AS INTEGER) * (b.number + b.position))
            FROM v_queue_agents AS b
            WHERE b.queue = a.queue AND b.position <= a.position
        ) ELSE '' END AS place,
        e.dnd OR EXISTS (SELECT 1 FROM queue_pauses AS p WHERE p.queue = a.queue AND p.number = a.number) AS away
    FROM v_queue_agents AS a
    JOIN extensions AS e ON e.number = a.number
    JOIN queues AS q ON q.number = a.queue
) AS m
ORDER BY m.queue, m.position;

CREATE VIEW v_queue_settings AS
SELECT
    number,
    maxwaittime,
    password,
    CASE joinannounce WHEN '[None]' THEN '' ELSE 'record/' || joinannounce END AS joinannounce,
    CASE satisfactionsurvey WHEN 'None' THEN '' ELSE 'record/' || satisfactionsurvey END AS survey,
    CASE idannouncement WHEN 'None' THEN '' ELSE 'record/' || idannouncement END AS idannouncement,
    CASE agentannounce WHEN '[None]' THEN '' ELSE 'record/' || agentannounce END AS agentannounce,
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

-- An agent's id is what callers are told: the extension's own, else its number.
CREATE VIEW v_agents AS
SELECT
    a.queue || '-' || a.number AS entry,
    a.queue,
    MAX(a.static) AS static,
    CASE e.agentid WHEN '' THEN e.number ELSE e.agentid END AS agentid
FROM queue_agents AS a
JOIN extensions AS e ON e.number = a.number
GROUP BY a.queue, a.number;
