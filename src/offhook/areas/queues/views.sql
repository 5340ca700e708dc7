-- What app_queue reads (its own option names), and what the dialplan needs beside it.

-- app_queue takes no queue of another strategy over into the linear one before it is restarted. So each queue has
-- two names: callers enter by that which fits its strategy, and those who wait under the other go on as they were.
CREATE VIEW v_queue_names AS
SELECT '' AS suffix, 0 AS linear
UNION ALL SELECT '-linear', 1;

CREATE VIEW v_queues AS
SELECT
    number || suffix AS name,
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
    CASE
        WHEN linear THEN 'linear'
        WHEN ringstrategy = 'Ring All' THEN 'ringall'
        WHEN ringstrategy = 'Least Recent' THEN 'leastrecent'
        WHEN ringstrategy = 'Fewest Calls' THEN 'fewestcalls'
        WHEN ringstrategy = 'Random' THEN 'random'
        ELSE 'rrmemory'
    END AS strategy,
    -- who is paused counts as away by his penalty, see v_queue_members; who wraps up will be back
    CASE WHEN joinempty THEN 'yes' ELSE 'penalty,invalid,unavailable,unknown' END AS joinempty,
    CASE WHEN leavewhenempty THEN 'penalty,invalid,unavailable,unknown' ELSE 'no' END AS leavewhenempty,
    'no' AS autopause,
    'no' AS reportholdtime,
    'yes' AS timeoutrestart
FROM queues, v_queue_names;

-- Who wraps up a call from a queue, per queue: until his last call is as old as the queue wants.
CREATE VIEW v_wrapups AS
SELECT a.queue, a.number
FROM queue_agents AS a
JOIN queues AS q ON q.number = a.queue
JOIN agent_last_calls AS l ON l.number = a.number
WHERE q.wrapuptime > 0
    AND CAST(strftime('%s', 'now') AS INTEGER) BETWEEN CAST(l.ended AS INTEGER) AND l.ended + q.wrapuptime;

-- The agents of each queue, static ones and those who have logged in; written so that a search by queue goes by
-- the table's own index.
CREATE VIEW v_queue_agents AS
SELECT a.queue, a.number, a.position
FROM queue_agents AS a
WHERE a.static OR NOT EXISTS (
    SELECT 1 FROM queue_agents AS s WHERE s.queue = a.queue AND s.number = a.number AND s.static
);

-- How they are dialled: one phone by itself, several by a Local channel. `away`: paused or not to be disturbed.
CREATE VIEW v_queue_phones AS
SELECT
    a.queue,
    a.number,
    a.position,
    CASE
        WHEN q.idannouncement <> 'None' THEN 'Local/' || a.number || '*' || a.queue || '@offhook-agent-told'
        WHEN e.maxregistrations > 1 THEN 'Local/' || a.number || '@offhook-agent'
        ELSE 'PJSIP/' || a.number
    END AS interface,
    e.dnd OR EXISTS (SELECT 1 FROM queue_pauses AS p WHERE p.queue = a.queue AND p.number = a.number) AS away,
    EXISTS (SELECT 1 FROM v_wrapups AS w WHERE w.queue = a.queue AND w.number = a.number) AS wrapping
FROM v_queue_agents AS a
JOIN extensions AS e ON e.number = a.number
JOIN queues AS q ON q.number = a.queue;

-- An agent who is away has a penalty beyond what callers bear (QUEUE_MAX_PENALTY), so that the queue is as good as
-- without him; one who wraps up is only paused. app_queue knows its agents by the id and looks at interface and
-- place never again: with another interface he is another agent, and in a linear queue with others before him.
CREATE VIEW v_queue_members AS
SELECT
    a.queue || '-' || a.interface AS uniqueid,
    a.queue AS queue_name,
    a.interface,
    'PJSIP/' || a.number AS state_interface,
    a.number AS membername,
    CASE WHEN a.away THEN 10 ELSE 0 END AS penalty,
    a.away OR a.wrapping AS paused,
    '' AS reason_paused,
    a.position
FROM v_queue_phones AS a
UNION ALL SELECT
    -- the number in the middle stands for all who come before him, and for himself
    a.queue || '-' || (
        SELECT SUM((b.position + 1) * CAST(b.number AS INTEGER) * (b.number + b.position))
        FROM v_queue_agents AS b
        WHERE b.queue = a.queue AND b.position <= a.position
    ) || '-' || a.interface,
    a.queue || '-linear',
    a.interface,
    'PJSIP/' || a.number,
    a.number,
    CASE WHEN a.away THEN 10 ELSE 0 END,
    a.away OR a.wrapping,
    '',
    a.position
FROM v_queue_phones AS a
ORDER BY queue_name, position;

CREATE VIEW v_queue_settings AS
SELECT
    number,
    number || CASE ringstrategy WHEN 'Linear' THEN '-linear' ELSE '' END AS name,
    maxwaittime,
    CASE WHEN record THEN 1 ELSE 0 END AS record,
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
