-- The store of a PBX of release 0.1 (schema 0007) with rows in every table, as sqlite3's .dump writes it.
BEGIN TRANSACTION;
CREATE TABLE agent_last_calls (
	number TEXT NOT NULL, 
	ended FLOAT NOT NULL, 
	CONSTRAINT pk_agent_last_calls PRIMARY KEY (number), 
	CONSTRAINT fk_agent_last_calls_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE
);
INSERT INTO "agent_last_calls" VALUES('1001',1795663600.0);
CREATE TABLE alarm_mails (
	kind TEXT NOT NULL, 
	mailed_at FLOAT NOT NULL, 
	unmailed INTEGER NOT NULL, 
	CONSTRAINT pk_alarm_mails PRIMARY KEY (kind)
);
INSERT INTO "alarm_mails" VALUES('disk',1795656400.0,0);
CREATE TABLE alarms (
	"key" TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	text TEXT NOT NULL, 
	active BOOLEAN NOT NULL, 
	since FLOAT NOT NULL, 
	last_at FLOAT NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT pk_alarms PRIMARY KEY ("key")
);
INSERT INTO "alarms" VALUES('disk','disk','the disk is nearly full: 100 MB are free, and nothing is recorded',0,1795654600.0,1795655600.0,2);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0007');
CREATE TABLE api_settings (
	id INTEGER NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	username TEXT NOT NULL, 
	password_derived TEXT NOT NULL, 
	report_method TEXT NOT NULL, 
	event_port INTEGER NOT NULL, 
	weak_passwords BOOLEAN NOT NULL, 
	max_extensions INTEGER NOT NULL, 
	max_extension_groups INTEGER NOT NULL, 
	max_contacts INTEGER NOT NULL, download_addresses TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_api_settings PRIMARY KEY (id)
);
INSERT INTO "api_settings" VALUES(1,1,'api','scrypt$09730a02119b1896c9f812936f00f93a$b11a54e7789fa3cc2caf12b79307e49143043eafff82b21268d3b62bfe2f06e6','HTTP',0,0,2000,200,5000,'');
CREATE TABLE box_emptyings (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	number TEXT NOT NULL, 
	ordered_at FLOAT NOT NULL
);
INSERT INTO "box_emptyings" VALUES(1,'1002',1795658600.0);
CREATE TABLE call_intents (
	callid TEXT NOT NULL, 
	caller TEXT NOT NULL, 
	callee TEXT NOT NULL, 
	created FLOAT NOT NULL, type TEXT DEFAULT 'Internal' NOT NULL, 
	CONSTRAINT pk_call_intents PRIMARY KEY (callid)
);
INSERT INTO "call_intents" VALUES('1795663000.1000001','1000','1001',1795663000.0,'Internal');
CREATE TABLE callbacks (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	outroute TEXT NOT NULL, 
	delay INTEGER NOT NULL, 
	strip INTEGER NOT NULL, 
	prepend TEXT NOT NULL, 
	destination TEXT NOT NULL, 
	CONSTRAINT uq_callbacks_name UNIQUE (name)
);
INSERT INTO "callbacks" VALUES(1,'back','local',1,0,'9','extension 1000');
CREATE TABLE cdr (
	callid TEXT NOT NULL, 
	started FLOAT NOT NULL, 
	callfrom TEXT NOT NULL, 
	callto TEXT NOT NULL, 
	dialled TEXT NOT NULL, 
	call_seconds INTEGER NOT NULL, 
	talk_seconds INTEGER NOT NULL, 
	source_trunk TEXT NOT NULL, 
	destination_trunk TEXT NOT NULL, 
	pincode TEXT NOT NULL, 
	status TEXT NOT NULL, 
	type TEXT NOT NULL, 
	recording TEXT NOT NULL, 
	didnumber TEXT NOT NULL, 
	agent_ring_seconds INTEGER NOT NULL, 
	legs TEXT NOT NULL, fax TEXT DEFAULT '' NOT NULL, fax_pages INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_cdr PRIMARY KEY (callid)
);
INSERT INTO "cdr" VALUES('1795663495.0',1.79566349551123094563e+09,'1000','1001','1001',1,1,'','','','ANSWERED','Internal','20261126032455-1795663495.0-1000-1001-Internal.wav','',0,'[{"channel": "PJSIP/1000-00000000", "started": 1795663495.511231, "answered": 1795663495.531418, "ended": 1795663496.54582}, {"channel": "PJSIP/1001-00000001", "started": 1795663495.515789, "answered": 1795663495.527235, "ended": 1795663496.546296}]','',0);
INSERT INTO "cdr" VALUES('1795663496.2',1.79566349672939705849e+09,'1000','1002','#1002',3,0,'','','','VOICEMAIL','Internal','','',0,'[{"channel": "PJSIP/1000-00000002", "started": 1795663496.729397, "answered": 1795663496.732056, "ended": 1795663499.7248}]','',0);
CREATE TABLE cdr_parties (
	number TEXT NOT NULL, 
	started FLOAT NOT NULL, 
	callid TEXT NOT NULL, 
	inside BOOLEAN NOT NULL, 
	CONSTRAINT pk_cdr_parties PRIMARY KEY (number, started, callid)
)
 WITHOUT ROWID

;
INSERT INTO "cdr_parties" VALUES('#1002',1.79566349672939705849e+09,'1795663496.2',0);
INSERT INTO "cdr_parties" VALUES('1000',1.79566349551123094563e+09,'1795663495.0',1);
INSERT INTO "cdr_parties" VALUES('1000',1.79566349672939705849e+09,'1795663496.2',1);
INSERT INTO "cdr_parties" VALUES('1001',1.79566349551123094563e+09,'1795663495.0',1);
INSERT INTO "cdr_parties" VALUES('1002',1.79566349672939705849e+09,'1795663496.2',1);
CREATE TABLE cel_position (
	id INTEGER NOT NULL, 
	file TEXT NOT NULL, 
	"offset" INTEGER NOT NULL, 
	CONSTRAINT pk_cel_position PRIMARY KEY (id)
);
INSERT INTO "cel_position" VALUES(1,'1',7318);
CREATE TABLE company_contacts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	firstname TEXT NOT NULL, 
	lastname TEXT NOT NULL, 
	email TEXT NOT NULL, 
	company TEXT NOT NULL, 
	businessnum TEXT NOT NULL, 
	businessnum2 TEXT NOT NULL, 
	businessfax TEXT NOT NULL, 
	mobile TEXT NOT NULL, 
	mobile2 TEXT NOT NULL, 
	homenum TEXT NOT NULL, 
	homenum2 TEXT NOT NULL, 
	homefax TEXT NOT NULL, 
	othernum TEXT NOT NULL, 
	zipcode TEXT NOT NULL, 
	street TEXT NOT NULL, 
	city TEXT NOT NULL, 
	state TEXT NOT NULL, 
	country TEXT NOT NULL
);
INSERT INTO "company_contacts" VALUES(1,'Dora','Day','','Example','5550100','','','','','','','','','','','','','');
CREATE TABLE conference_moderators (
	conference TEXT NOT NULL, 
	number TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_conference_moderators PRIMARY KEY (conference, number), 
	CONSTRAINT fk_conference_moderators_conference_conferences FOREIGN KEY(conference) REFERENCES conferences (number) ON DELETE CASCADE, 
	CONSTRAINT fk_conference_moderators_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE
);
INSERT INTO "conference_moderators" VALUES('6400','1000',0);
CREATE TABLE conferences (
	number TEXT NOT NULL, 
	name TEXT NOT NULL, 
	participantepassword TEXT NOT NULL, 
	moderatorpassword TEXT NOT NULL, 
	waitformoderator BOOLEAN NOT NULL, 
	allowinvite BOOLEAN NOT NULL, 
	musiconhold BOOLEAN NOT NULL, 
	announcements BOOLEAN NOT NULL, record BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_conferences PRIMARY KEY (number)
);
INSERT INTO "conferences" VALUES('6400','Board','11','22',0,0,1,0,0);
CREATE TABLE console_accounts (
	username TEXT NOT NULL, 
	password_derived TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	CONSTRAINT pk_console_accounts PRIMARY KEY (username)
);
INSERT INTO "console_accounts" VALUES('admin','scrypt$e1d3d819df7e0b8781dc69962fb7e644$5b7d9cea37532fb66a7f3f19c341f5c74f4487507161c2f7128aa4fb8658cea1',1.79566349198087406163e+09);
CREATE TABLE deliveries (
	seq INTEGER NOT NULL, 
	receiver_id INTEGER NOT NULL, 
	CONSTRAINT pk_deliveries PRIMARY KEY (seq, receiver_id), 
	CONSTRAINT fk_deliveries_receiver_id_receivers FOREIGN KEY(receiver_id) REFERENCES receivers (id) ON DELETE CASCADE, 
	CONSTRAINT fk_deliveries_seq_event_journal FOREIGN KEY(seq) REFERENCES event_journal (seq) ON DELETE CASCADE
);
INSERT INTO "deliveries" VALUES(2,1);
CREATE TABLE disa_outroutes (
	disa_id INTEGER NOT NULL, 
	route_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_disa_outroutes PRIMARY KEY (disa_id, route_id), 
	CONSTRAINT fk_disa_outroutes_disa_id_disas FOREIGN KEY(disa_id) REFERENCES disas (id) ON DELETE CASCADE, 
	CONSTRAINT fk_disa_outroutes_route_id_outroutes FOREIGN KEY(route_id) REFERENCES outroutes (id) ON DELETE CASCADE
);
INSERT INTO "disa_outroutes" VALUES(1,1,0);
CREATE TABLE disas (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	password TEXT NOT NULL, 
	responsetimeout INTEGER NOT NULL, 
	digittimeout INTEGER NOT NULL, 
	CONSTRAINT uq_disas_name UNIQUE (name)
);
INSERT INTO "disas" VALUES(1,'remote','4711',10,1);
CREATE TABLE event_journal (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	created FLOAT NOT NULL, 
	kind TEXT NOT NULL, 
	callid TEXT NOT NULL, 
	body TEXT NOT NULL
);
INSERT INTO "event_journal" VALUES(1,1.79566349656818413735e+09,'NewCdr','1795663495.0','{"callid": "1795663495.0", "timestart": "2026-11-26 03:24:55", "callfrom": "1000", "callto": "1001", "call_seconds": 1, "talk_seconds": 1, "source_trunk": "", "destination_trunk": "", "pincode": "", "status": "ANSWERED", "type": "Internal", "recording": "20261126032455-1795663495.0-1000-1001-Internal.wav", "didnumber": "", "agent_ring_seconds": 0}');
INSERT INTO "event_journal" VALUES(2,1.79566349975506281853e+09,'NewCdr','1795663496.2','{"callid": "1795663496.2", "timestart": "2026-11-26 03:24:56", "callfrom": "1000", "callto": "1002", "call_seconds": 3, "talk_seconds": 0, "source_trunk": "", "destination_trunk": "", "pincode": "", "status": "VOICEMAIL", "type": "Internal", "recording": "", "didnumber": "", "agent_ring_seconds": 0}');
CREATE TABLE extension_group_members (
	group_id INTEGER NOT NULL, 
	number TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_extension_group_members PRIMARY KEY (group_id, number), 
	CONSTRAINT fk_extension_group_members_group_id_extension_groups FOREIGN KEY(group_id) REFERENCES extension_groups (id) ON DELETE CASCADE, 
	CONSTRAINT fk_extension_group_members_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE
);
INSERT INTO "extension_group_members" VALUES(1,'1001',0);
INSERT INTO "extension_group_members" VALUES(1,'1002',1);
CREATE TABLE extension_groups (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	CONSTRAINT uq_extension_groups_name UNIQUE (name)
);
INSERT INTO "extension_groups" VALUES(1,'sales');
CREATE TABLE extensions (
	number TEXT NOT NULL, 
	username TEXT NOT NULL, 
	callerid TEXT NOT NULL, 
	registername TEXT NOT NULL, 
	ha1 TEXT NOT NULL, 
	registerpassword_shown TEXT NOT NULL, 
	maxregistrations INTEGER NOT NULL, 
	loginpassword_derived TEXT NOT NULL, 
	loginpassword_shown TEXT NOT NULL, 
	email TEXT NOT NULL, 
	mobile TEXT NOT NULL, 
	language TEXT NOT NULL, 
	hasvoicemail BOOLEAN NOT NULL, 
	vmsecret TEXT NOT NULL, 
	enablevmtoemail TEXT NOT NULL, 
	alwaysforward BOOLEAN NOT NULL, 
	atransferto TEXT NOT NULL, 
	atransferext TEXT NOT NULL, 
	atransferprefix TEXT NOT NULL, 
	atransfernum TEXT NOT NULL, 
	noanswerforward BOOLEAN NOT NULL, 
	ntransferto TEXT NOT NULL, 
	ntransferext TEXT NOT NULL, 
	ntransferprefix TEXT NOT NULL, 
	ntransfernum TEXT NOT NULL, 
	busyforward BOOLEAN NOT NULL, 
	btransferto TEXT NOT NULL, 
	btransferext TEXT NOT NULL, 
	btransferprefix TEXT NOT NULL, 
	btransfernum TEXT NOT NULL, 
	ringsimultaneous BOOLEAN NOT NULL, 
	mobileprefix TEXT NOT NULL, 
	enablemobile BOOLEAN NOT NULL, 
	allowbeingmonitored BOOLEAN NOT NULL, 
	monitormode TEXT NOT NULL, 
	ringtimeout INTEGER NOT NULL, 
	maxduration TEXT NOT NULL, 
	dnd BOOLEAN NOT NULL, 
	callrestriction BOOLEAN NOT NULL, 
	agentid TEXT NOT NULL, 
	monitored BOOLEAN NOT NULL, 
	CONSTRAINT pk_extensions PRIMARY KEY (number), 
	CONSTRAINT uq_extensions_registername UNIQUE (registername)
);
INSERT INTO "extensions" VALUES('1000','Ann','1000','1000','d0d15911ef3e2064bb1d8ba812540b4a','41400028d2528c34578f113cb67cd7a7a335e74c711faf686398bb10f889b3a3',1,'scrypt$2882c373d3872d3fd54e80600a7f4f0c$357e31ec78bf9f099a045badfcf5cb753155654d95999f93ee4bce8116a736d6','37a1e25ee9c8b802b8476b3a1d883049d19a8ff555eb3625b91b24c512885a6e988b36edb36ad4cdb302306ee73644b1','','','',1,'1000','off',0,'Voicemail','','','',0,'Voicemail','','','',0,'Voicemail','','','',0,'',0,0,'Disabled',30,'Follow System',0,0,'',1);
INSERT INTO "extensions" VALUES('1001','Bob','1001','1001','7e1d910335938daec4150f0bc2582a8b','d575b6c89ae11410799802f9b292a7c15606d4bb72f0db62b5536dc31c8c1b3b',1,'scrypt$c60ecaeb5fbd9f74e3d3189efbeb3cdd$f473094adeefdb0dba20545cd6cfb8c828e4deaf778e214d0cf4a2b19de52a09','f555dd0d2db54aa24950075a9cfb3f719f5fc39b000fef13dd89f8084fefeb6686ec74d05110c236604159048af4b88b','bob@example.com','','',1,'1001','on',0,'Voicemail','','','',1,'Voicemail','','','',0,'Voicemail','','','',0,'',0,0,'Disabled',30,'Follow System',0,0,'',1);
INSERT INTO "extensions" VALUES('1002','Carla','1002','1002','2a4cd480b365b0b21318a0f322fa4e98','00064ad6090ebf844c7dfcfdc45c968cf6044660c2d7eaeb653a486f7e88bf09',1,'scrypt$1ff101368176965a12b67790ed432cd4$963470e30894b5effc22494fc34230b1606273509c96cdbee89ccd278732ff7b','ab8ce1caf4be65fe5e736fb767f9ea4ff95be915f2935edd51eeefd5b11464efb3d29ae1e3a90a6d5fa5fd2a3f3ee094','','','',1,'1002','off',0,'Voicemail','','','',1,'Voicemail','','','',1,'Voicemail','','','',0,'',0,0,'Disabled',30,'Follow System',0,0,'',1);
CREATE TABLE identity (
	id INTEGER NOT NULL, 
	sn TEXT NOT NULL, 
	devicename TEXT NOT NULL, 
	firmwarever TEXT NOT NULL, 
	CONSTRAINT pk_identity PRIMARY KEY (id)
);
INSERT INTO "identity" VALUES(1,'514176984899','offhook','80.13.0.30');
CREATE TABLE inroute_trunks (
	route_id INTEGER NOT NULL, 
	trunk_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_inroute_trunks PRIMARY KEY (route_id, trunk_id), 
	CONSTRAINT fk_inroute_trunks_route_id_inroutes FOREIGN KEY(route_id) REFERENCES inroutes (id) ON DELETE CASCADE, 
	CONSTRAINT fk_inroute_trunks_trunk_id_trunks FOREIGN KEY(trunk_id) REFERENCES trunks (id) ON DELETE CASCADE
);
INSERT INTO "inroute_trunks" VALUES(1,1,0);
INSERT INTO "inroute_trunks" VALUES(2,1,0);
INSERT INTO "inroute_trunks" VALUES(3,1,0);
INSERT INTO "inroute_trunks" VALUES(4,1,0);
INSERT INTO "inroute_trunks" VALUES(5,1,0);
INSERT INTO "inroute_trunks" VALUES(6,1,0);
INSERT INTO "inroute_trunks" VALUES(7,1,0);
INSERT INTO "inroute_trunks" VALUES(8,1,0);
INSERT INTO "inroute_trunks" VALUES(9,1,0);
INSERT INTO "inroute_trunks" VALUES(10,1,0);
INSERT INTO "inroute_trunks" VALUES(11,1,0);
CREATE TABLE inroutes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	did TEXT NOT NULL, 
	caller_id TEXT NOT NULL, 
	desttype TEXT NOT NULL, 
	dest TEXT NOT NULL, 
	timecondition TEXT NOT NULL, 
	closed TEXT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	CONSTRAINT uq_inroutes_name UNIQUE (name)
);
INSERT INTO "inroutes" VALUES(1,'main','5503300','','ivr','6500','open','voicemail 1000',1);
INSERT INTO "inroutes" VALUES(2,'direct','5503310-5503312','','extrange','1000-1002','','',1);
INSERT INTO "inroutes" VALUES(3,'sales','5503320','','ringgroup','6200','','',1);
INSERT INTO "inroutes" VALUES(4,'support','5503330','','queue','6700','','',1);
INSERT INTO "inroutes" VALUES(5,'board','5503340','','conference','6400','','',1);
INSERT INTO "inroutes" VALUES(6,'remote','5503350','','disa','remote','','',1);
INSERT INTO "inroutes" VALUES(7,'back','5503360','','callback','back','','',1);
INSERT INTO "inroutes" VALUES(8,'through','9X.','','outroute','local','','',1);
INSERT INTO "inroutes" VALUES(9,'fax','5503370','','faxtoemail','1000','','',1);
INSERT INTO "inroutes" VALUES(10,'box','5503380','','voicemail','1001','','',1);
INSERT INTO "inroutes" VALUES(11,'closed','5503390','','hangup','','','',1);
CREATE TABLE instant_conferences (
	number TEXT NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_instant_conferences PRIMARY KEY (number)
);
INSERT INTO "instant_conferences" VALUES('6491','Instant');
CREATE TABLE instant_members (
	conference TEXT NOT NULL, 
	number TEXT NOT NULL, 
	moderator BOOLEAN NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_instant_members PRIMARY KEY (conference, number), 
	CONSTRAINT fk_instant_members_conference_instant_conferences FOREIGN KEY(conference) REFERENCES instant_conferences (number) ON DELETE CASCADE
);
INSERT INTO "instant_members" VALUES('6491','1000',1,0);
INSERT INTO "instant_members" VALUES('6491','1001',0,1);
CREATE TABLE ivr_outroutes (
	number TEXT NOT NULL, 
	route_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_ivr_outroutes PRIMARY KEY (number, route_id), 
	CONSTRAINT fk_ivr_outroutes_number_ivrs FOREIGN KEY(number) REFERENCES ivrs (number) ON DELETE CASCADE, 
	CONSTRAINT fk_ivr_outroutes_route_id_outroutes FOREIGN KEY(route_id) REFERENCES outroutes (id) ON DELETE CASCADE
);
INSERT INTO "ivr_outroutes" VALUES('6500',1,0);
CREATE TABLE ivrs (
	number TEXT NOT NULL, 
	ivrname TEXT NOT NULL, 
	prompt TEXT NOT NULL, 
	promptrepeat INTEGER NOT NULL, 
	responsetimeout INTEGER NOT NULL, 
	digittimeout INTEGER NOT NULL, 
	dialext BOOLEAN NOT NULL, 
	dialoutboundroutes BOOLEAN NOT NULL, 
	dialtocheckvoicemail BOOLEAN NOT NULL, 
	key0 TEXT NOT NULL, 
	key1 TEXT NOT NULL, 
	key2 TEXT NOT NULL, 
	key3 TEXT NOT NULL, 
	key4 TEXT NOT NULL, 
	key5 TEXT NOT NULL, 
	key6 TEXT NOT NULL, 
	key7 TEXT NOT NULL, 
	key8 TEXT NOT NULL, 
	key9 TEXT NOT NULL, 
	keystar TEXT NOT NULL, 
	keyhash TEXT NOT NULL, 
	invalid TEXT NOT NULL, 
	timeout TEXT NOT NULL, 
	CONSTRAINT pk_ivrs PRIMARY KEY (number)
);
INSERT INTO "ivrs" VALUES('6500','Welcome','welcome',2,3,1,1,0,0,'hangup','extension 1000','ringgroup 6200','queue 6700','conference 6400','paging 6300','ivr 6501','voicemail 1001','disa remote','dialbyname','','','extension 1000','queue 6700');
INSERT INTO "ivrs" VALUES('6501','Second','[Default]',1,2,3,1,0,0,'','','','','','','','','','','','','','extension 1000');
CREATE TABLE login_failures (
	address TEXT NOT NULL, 
	failures INTEGER NOT NULL, 
	last FLOAT NOT NULL, 
	locked_until FLOAT NOT NULL, 
	protocol TEXT NOT NULL, 
	port INTEGER NOT NULL, 
	CONSTRAINT pk_login_failures PRIMARY KEY (address)
);
INSERT INTO "login_failures" VALUES('192.0.2.9',2,1795663600.0,0.0,'TCP',40000);
CREATE TABLE mail_attachments (
	id INTEGER NOT NULL, 
	mail INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	content_type TEXT NOT NULL, 
	file TEXT NOT NULL, 
	CONSTRAINT pk_mail_attachments PRIMARY KEY (id), 
	CONSTRAINT fk_mail_attachments_mail_mails FOREIGN KEY(mail) REFERENCES mails (id) ON DELETE CASCADE, 
	CONSTRAINT uq_mail_attachments_file UNIQUE (file)
);
INSERT INTO "mail_attachments" VALUES(1,1,'msg0000.wav','audio/wav','0123456789abcdef0123456789abcdef');
CREATE TABLE mailboxes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	extension TEXT NOT NULL, 
	greeting TEXT NOT NULL, 
	greetingbusy TEXT NOT NULL, 
	address TEXT NOT NULL, 
	deletemailed BOOLEAN NOT NULL, 
	CONSTRAINT fk_mailboxes_extension_extensions FOREIGN KEY(extension) REFERENCES extensions (number) ON DELETE CASCADE, 
	CONSTRAINT uq_mailboxes_extension UNIQUE (extension)
);
INSERT INTO "mailboxes" VALUES(1,'1002','','','carla@example.com',1);
CREATE TABLE mails (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	message_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	reference TEXT NOT NULL, 
	recipient TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	text TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	queued_at FLOAT NOT NULL, 
	tried_until FLOAT NOT NULL, 
	next_try FLOAT NOT NULL, 
	finished_at FLOAT, 
	answer TEXT NOT NULL, 
	CONSTRAINT uq_mails_message_id UNIQUE (message_id)
);
INSERT INTO "mails" VALUES(1,'<1@pbx.example>','voicemail','1002/1795663496-00000001','ann@example.com','New message','You have a message.','waiting',3,1795663600.0,2195663600.0,1795663660.0,NULL,'the server could not be used');
INSERT INTO "mails" VALUES(2,'<2@pbx.example>','alarm','disk','ops@example.com','[pbx] disk','','dead',1,1795654600.0,1795663600.0,1795663600.0,1795663600.0,'550 no such user');
CREATE TABLE outroute_extensions (
	route_id INTEGER NOT NULL, 
	number TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_outroute_extensions PRIMARY KEY (route_id, number), 
	CONSTRAINT fk_outroute_extensions_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE, 
	CONSTRAINT fk_outroute_extensions_route_id_outroutes FOREIGN KEY(route_id) REFERENCES outroutes (id) ON DELETE CASCADE
);
INSERT INTO "outroute_extensions" VALUES(1,'1000',0);
INSERT INTO "outroute_extensions" VALUES(2,'1000',0);
CREATE TABLE outroute_groups (
	route_id INTEGER NOT NULL, 
	group_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_outroute_groups PRIMARY KEY (route_id, group_id), 
	CONSTRAINT fk_outroute_groups_group_id_extension_groups FOREIGN KEY(group_id) REFERENCES extension_groups (id) ON DELETE CASCADE, 
	CONSTRAINT fk_outroute_groups_route_id_outroutes FOREIGN KEY(route_id) REFERENCES outroutes (id) ON DELETE CASCADE
);
INSERT INTO "outroute_groups" VALUES(1,1,0);
CREATE TABLE outroute_trunks (
	route_id INTEGER NOT NULL, 
	trunk_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_outroute_trunks PRIMARY KEY (route_id, trunk_id), 
	CONSTRAINT fk_outroute_trunks_route_id_outroutes FOREIGN KEY(route_id) REFERENCES outroutes (id) ON DELETE CASCADE, 
	CONSTRAINT fk_outroute_trunks_trunk_id_trunks FOREIGN KEY(trunk_id) REFERENCES trunks (id) ON DELETE CASCADE
);
INSERT INTO "outroute_trunks" VALUES(1,1,0);
INSERT INTO "outroute_trunks" VALUES(2,1,0);
CREATE TABLE outroutes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	prefix TEXT NOT NULL, 
	strip TEXT NOT NULL, 
	prepend TEXT NOT NULL, 
	priority INTEGER NOT NULL, 
	password TEXT NOT NULL, 
	pinlist TEXT NOT NULL, 
	timecondition TEXT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	CONSTRAINT uq_outroutes_name UNIQUE (name)
);
INSERT INTO "outroutes" VALUES(1,'local','9X.','1','',100,'','','',1);
INSERT INTO "outroutes" VALUES(2,'abroad','00X.','','',50,'','staff','',1);
CREATE TABLE paging_groups (
	paginggroup TEXT NOT NULL, 
	group_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_paging_groups PRIMARY KEY (paginggroup, group_id), 
	CONSTRAINT fk_paging_groups_group_id_extension_groups FOREIGN KEY(group_id) REFERENCES extension_groups (id) ON DELETE CASCADE, 
	CONSTRAINT fk_paging_groups_paginggroup_paginggroups FOREIGN KEY(paginggroup) REFERENCES paginggroups (number) ON DELETE CASCADE
);
INSERT INTO "paging_groups" VALUES('6300',1,2);
CREATE TABLE paging_members (
	paginggroup TEXT NOT NULL, 
	number TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_paging_members PRIMARY KEY (paginggroup, number), 
	CONSTRAINT fk_paging_members_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE, 
	CONSTRAINT fk_paging_members_paginggroup_paginggroups FOREIGN KEY(paginggroup) REFERENCES paginggroups (number) ON DELETE CASCADE
);
INSERT INTO "paging_members" VALUES('6300','1001',0);
INSERT INTO "paging_members" VALUES('6300','1002',1);
CREATE TABLE paginggroups (
	number TEXT NOT NULL, 
	name TEXT NOT NULL, 
	type TEXT NOT NULL, 
	enabledialtoanswer BOOLEAN NOT NULL, 
	multicastip TEXT NOT NULL, 
	CONSTRAINT pk_paginggroups PRIMARY KEY (number)
);
INSERT INTO "paginggroups" VALUES('6300','House','paging',0,'');
INSERT INTO "paginggroups" VALUES('6301','Loudspeakers','multicast',0,'239.255.0.1:2000');
CREATE TABLE pbx_settings (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_pbx_settings PRIMARY KEY (name)
);
INSERT INTO "pbx_settings" VALUES('general.maxduration','14400');
INSERT INTO "pbx_settings" VALUES('voicemail.maxlength','180');
INSERT INTO "pbx_settings" VALUES('voicemail.maxmessages','50');
INSERT INTO "pbx_settings" VALUES('voicemail.pinattempts','4');
INSERT INTO "pbx_settings" VALUES('mail.host','127.0.0.1');
INSERT INTO "pbx_settings" VALUES('mail.port','9');
INSERT INTO "pbx_settings" VALUES('mail.security','none');
INSERT INTO "pbx_settings" VALUES('mail.username','pbx');
INSERT INTO "pbx_settings" VALUES('mail.password','gAAAAABrB6aHbx2lwSudSTLlLeKfZv_wj3GSfLgzjbRoc5uTi-vCmLwTSTIoIJT9kJFEsg0X8iZheaV2qHsDPhs6GJ2ql5CEtQ==');
INSERT INTO "pbx_settings" VALUES('mail.fromaddress','pbx@example.com');
INSERT INTO "pbx_settings" VALUES('mail.alarmrecipients','ops@example.com');
INSERT INTO "pbx_settings" VALUES('recording.extensions','all');
INSERT INTO "pbx_settings" VALUES('wakeup.ringtime','5');
CREATE TABLE pinlists (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	pins TEXT NOT NULL, 
	CONSTRAINT uq_pinlists_name UNIQUE (name)
);
INSERT INTO "pinlists" VALUES(1,'staff','4711,0815');
CREATE TABLE queue_agents (
	queue TEXT NOT NULL, 
	number TEXT NOT NULL, 
	static BOOLEAN NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_queue_agents PRIMARY KEY (queue, number, static), 
	CONSTRAINT fk_queue_agents_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE, 
	CONSTRAINT fk_queue_agents_queue_queues FOREIGN KEY(queue) REFERENCES queues (number) ON DELETE CASCADE
);
INSERT INTO "queue_agents" VALUES('6700','1001',1,0);
CREATE TABLE queue_pauses (
	queue TEXT NOT NULL, 
	number TEXT NOT NULL, 
	CONSTRAINT pk_queue_pauses PRIMARY KEY (queue, number), 
	CONSTRAINT fk_queue_pauses_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE, 
	CONSTRAINT fk_queue_pauses_queue_queues FOREIGN KEY(queue) REFERENCES queues (number) ON DELETE CASCADE
);
INSERT INTO "queue_pauses" VALUES('6700','1001');
CREATE TABLE queues (
	number TEXT NOT NULL, 
	queuename TEXT NOT NULL, 
	password TEXT NOT NULL, 
	ringstrategy TEXT NOT NULL, 
	failoveraction TEXT NOT NULL, 
	failoverdest TEXT NOT NULL, 
	agenttimeout INTEGER NOT NULL, 
	agentannounce TEXT NOT NULL, 
	wrapuptime INTEGER NOT NULL, 
	ringinuse BOOLEAN NOT NULL, 
	retry INTEGER NOT NULL, 
	musiconhold TEXT NOT NULL, 
	maxwaittime INTEGER NOT NULL, 
	joinempty BOOLEAN NOT NULL, 
	leavewhenempty BOOLEAN NOT NULL, 
	joinannounce TEXT NOT NULL, 
	announcepos BOOLEAN NOT NULL, 
	announcefreq INTEGER NOT NULL, 
	announceholdtime BOOLEAN NOT NULL, 
	userannounce TEXT NOT NULL, 
	userannouncefreq INTEGER NOT NULL, 
	breakoutkey TEXT NOT NULL, 
	breakoutaction TEXT NOT NULL, 
	breakoutdest TEXT NOT NULL, 
	satisfactionsurvey TEXT NOT NULL, 
	idannouncement TEXT NOT NULL, record BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_queues PRIMARY KEY (number)
);
INSERT INTO "queues" VALUES('6700','Support','','Ring All','Extension','1000',30,'[None]',0,0,30,'lobby',60,1,0,'[None]',0,30,0,'[None]',60,'None','Hang up','','None','None',0);
CREATE TABLE receiver_sessions (
	session TEXT NOT NULL, 
	receiver_id INTEGER NOT NULL, 
	CONSTRAINT pk_receiver_sessions PRIMARY KEY (session), 
	CONSTRAINT fk_receiver_sessions_receiver_id_receivers FOREIGN KEY(receiver_id) REFERENCES receivers (id) ON DELETE CASCADE
);
INSERT INTO "receiver_sessions" VALUES('da452ddc75715ea6ad2af79e01bba7328fafd7bc94410a400bb5f78de3cdc9f4',1);
CREATE TABLE receivers (
	id INTEGER NOT NULL, 
	scheme TEXT NOT NULL, 
	host TEXT NOT NULL, 
	port INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	dialect TEXT NOT NULL, 
	answers BOOLEAN NOT NULL, 
	updated FLOAT NOT NULL, 
	CONSTRAINT pk_receivers PRIMARY KEY (id)
);
INSERT INTO "receivers" VALUES(1,'http','127.0.0.1',40885,'/','2.0.0',1,1.79566349469660806658e+09);
CREATE TABLE recordings (
	name TEXT NOT NULL, 
	callid TEXT NOT NULL, 
	started FLOAT NOT NULL, 
	caller TEXT NOT NULL, 
	callee TEXT NOT NULL, 
	type TEXT NOT NULL, 
	side TEXT NOT NULL, 
	state TEXT NOT NULL, 
	bytes INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	sha256 TEXT NOT NULL, 
	CONSTRAINT pk_recordings PRIMARY KEY (name)
);
INSERT INTO "recordings" VALUES('20261126032455-1795663495.0-1000-1001-Internal.wav','1795663495.0',1.79566349552862191199e+09,'1000','1001','Internal','callee','closed',32364,1.01,'f2318ca88c025c1d43bec3e862b56e9c1dcec777ed1a4ed43b74c6d286fac977');
CREATE TABLE ringgroup_members (
	ringgroup TEXT NOT NULL, 
	number TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_ringgroup_members PRIMARY KEY (ringgroup, number), 
	CONSTRAINT fk_ringgroup_members_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE, 
	CONSTRAINT fk_ringgroup_members_ringgroup_ringgroups FOREIGN KEY(ringgroup) REFERENCES ringgroups (number) ON DELETE CASCADE
);
INSERT INTO "ringgroup_members" VALUES('6200','1001',0);
INSERT INTO "ringgroup_members" VALUES('6200','1002',1);
CREATE TABLE ringgroups (
	number TEXT NOT NULL, 
	name TEXT NOT NULL, 
	ringstrategy TEXT NOT NULL, 
	ringtime INTEGER NOT NULL, 
	failover TEXT NOT NULL, 
	CONSTRAINT pk_ringgroups PRIMARY KEY (number)
);
INSERT INTO "ringgroups" VALUES('6200','Sales','Ring All',20,'voicemail 1001');
CREATE TABLE sessions (
	token_hash TEXT NOT NULL, 
	refresh_hash TEXT NOT NULL, 
	address TEXT NOT NULL, 
	version TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	used FLOAT NOT NULL, 
	ended TEXT NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (token_hash), 
	CONSTRAINT uq_sessions_refresh_hash UNIQUE (refresh_hash)
);
INSERT INTO "sessions" VALUES('da452ddc75715ea6ad2af79e01bba7328fafd7bc94410a400bb5f78de3cdc9f4','93a2b84e97a35a5fedb59807cfaf1e3c0768babdb41efee44674416e7b8fb528','127.0.0.1','2.0.0',1.79566349469263100624e+09,1.79566349977047967916e+09,'');
CREATE TABLE softclient_accounts (
	number TEXT NOT NULL, 
	enabled_at FLOAT NOT NULL, 
	CONSTRAINT pk_softclient_accounts PRIMARY KEY (number), 
	CONSTRAINT fk_softclient_accounts_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE
);
INSERT INTO "softclient_accounts" VALUES('1000',1795663600.0);
CREATE TABLE softclient_links (
	selector TEXT NOT NULL, 
	number TEXT NOT NULL, 
	secret_hash TEXT NOT NULL, 
	expires FLOAT NOT NULL, 
	CONSTRAINT pk_softclient_links PRIMARY KEY (selector), 
	CONSTRAINT fk_softclient_links_number_softclient_accounts FOREIGN KEY(number) REFERENCES softclient_accounts (number) ON DELETE CASCADE
);
INSERT INTO "softclient_links" VALUES('sel1','1000','hash1',2195663600.0);
CREATE TABLE softclient_logins (
	selector TEXT NOT NULL, 
	number TEXT NOT NULL, 
	secret_hash TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	CONSTRAINT pk_softclient_logins PRIMARY KEY (selector), 
	CONSTRAINT fk_softclient_logins_number_softclient_accounts FOREIGN KEY(number) REFERENCES softclient_accounts (number) ON DELETE CASCADE
);
INSERT INTO "softclient_logins" VALUES('sel2','1000','hash2',1795663600.0);
CREATE TABLE store_state (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_store_state PRIMARY KEY (name)
);
INSERT INTO "store_state" VALUES('views','');
CREATE TABLE timeconditions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	times TEXT NOT NULL, 
	CONSTRAINT uq_timeconditions_name UNIQUE (name)
);
INSERT INTO "timeconditions" VALUES(1,'open','mon-sun 00:00-23:59; not * 25-26 dec');
CREATE TABLE trunk_dods (
	id INTEGER NOT NULL, 
	trunk_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	number TEXT NOT NULL, 
	name TEXT NOT NULL, 
	extension TEXT, 
	group_id INTEGER, 
	CONSTRAINT pk_trunk_dods PRIMARY KEY (id), 
	CONSTRAINT fk_trunk_dods_extension_extensions FOREIGN KEY(extension) REFERENCES extensions (number) ON DELETE CASCADE, 
	CONSTRAINT fk_trunk_dods_group_id_extension_groups FOREIGN KEY(group_id) REFERENCES extension_groups (id) ON DELETE CASCADE, 
	CONSTRAINT fk_trunk_dods_trunk_id_trunks FOREIGN KEY(trunk_id) REFERENCES trunks (id) ON DELETE CASCADE
);
INSERT INTO "trunk_dods" VALUES(1,1,0,'5503300','reception','1000',NULL);
INSERT INTO "trunk_dods" VALUES(2,1,0,'5503301','sales',NULL,1);
CREATE TABLE trunks (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	trunkname TEXT NOT NULL, 
	trunktype TEXT NOT NULL, 
	host TEXT NOT NULL, 
	port INTEGER NOT NULL, 
	domain TEXT NOT NULL, 
	username TEXT NOT NULL, 
	authname TEXT NOT NULL, 
	fromuser TEXT NOT NULL, 
	password TEXT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	transport TEXT NOT NULL, 
	didsource TEXT NOT NULL, 
	callerid TEXT NOT NULL, 
	qualify BOOLEAN NOT NULL, 
	maxchannels INTEGER NOT NULL, 
	status_monitor BOOLEAN NOT NULL, 
	control_answering BOOLEAN NOT NULL, 
	control_destination BOOLEAN NOT NULL, record BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT uq_trunks_trunkname UNIQUE (trunkname)
);
INSERT INTO "trunks" VALUES(1,'carrier','peer','127.0.0.2',5060,'127.0.0.2','','','','',1,'udp','auto','',1,0,1,0,0,0);
CREATE TABLE voicemail_seen (
	mailbox TEXT NOT NULL, 
	msg_id TEXT NOT NULL, 
	state TEXT NOT NULL, 
	since FLOAT NOT NULL, 
	CONSTRAINT pk_voicemail_seen PRIMARY KEY (mailbox, msg_id)
);
INSERT INTO "voicemail_seen" VALUES('1002','1795663497-00000000','skipped',1.79566349979289913174e+09);
CREATE TABLE wakeup_journal (
	id INTEGER NOT NULL, 
	wakeupid INTEGER NOT NULL, 
	number TEXT NOT NULL, 
	time TEXT NOT NULL, 
	due FLOAT NOT NULL, 
	ring INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	begun FLOAT, 
	answered FLOAT, 
	ended FLOAT, 
	outcome TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	callid TEXT NOT NULL, 
	CONSTRAINT pk_wakeup_journal PRIMARY KEY (id)
);
INSERT INTO "wakeup_journal" VALUES(1,1,'1002','06:45',1795577200.0,1,1.0,1795577200.0,1795577210.0,1795577220.0,'answered','','1795577200.1000007');
CREATE TABLE wakeups (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	number TEXT NOT NULL, 
	time TEXT NOT NULL, 
	type TEXT NOT NULL, 
	weekdays TEXT NOT NULL, 
	repeats INTEGER NOT NULL, 
	repeatinterval INTEGER NOT NULL, 
	prompt TEXT NOT NULL, 
	state TEXT NOT NULL, 
	zone TEXT NOT NULL, 
	due FLOAT NOT NULL, 
	day TEXT NOT NULL, 
	last_day TEXT NOT NULL, 
	ring INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	begun FLOAT NOT NULL, 
	callid TEXT NOT NULL, 
	CONSTRAINT fk_wakeups_number_extensions FOREIGN KEY(number) REFERENCES extensions (number) ON DELETE CASCADE, 
	CONSTRAINT uq_wakeups_number_time_type_weekdays UNIQUE (number, time, type, weekdays)
);
INSERT INTO "wakeups" VALUES(1,'1002','06:45','custom','1,2,3,4,5',0,0,'macroform-cold_day','waiting','UTC',1795675500.0,'2026-11-26','',1,1795675500.0,0.0,'');
CREATE UNIQUE INDEX uq_receivers_target ON receivers (scheme, host, port, path);
CREATE INDEX ix_trunk_dods_trunk_id ON trunk_dods (trunk_id);
CREATE INDEX ix_cdr_started ON cdr (started, callid);
CREATE INDEX ix_cdr_parties_callid ON cdr_parties (callid);
CREATE INDEX ix_recordings_callid ON recordings (callid);
CREATE INDEX ix_recordings_state ON recordings (state, started);
CREATE INDEX ix_wakeups_at ON wakeups (at);
CREATE INDEX ix_wakeup_journal_at ON wakeup_journal (at);
CREATE INDEX ix_wakeup_journal_number ON wakeup_journal (number);
CREATE INDEX ix_wakeup_journal_callid ON wakeup_journal (callid);
CREATE INDEX ix_mails_state_next_try ON mails (state, next_try);
CREATE INDEX ix_mail_attachments_mail ON mail_attachments (mail);
CREATE INDEX ix_softclient_links_number ON softclient_links (number);
CREATE INDEX ix_softclient_logins_number ON softclient_logins (number);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('extension_groups',1);
INSERT INTO "sqlite_sequence" VALUES('trunks',1);
INSERT INTO "sqlite_sequence" VALUES('timeconditions',1);
INSERT INTO "sqlite_sequence" VALUES('pinlists',1);
INSERT INTO "sqlite_sequence" VALUES('outroutes',2);
INSERT INTO "sqlite_sequence" VALUES('disas',1);
INSERT INTO "sqlite_sequence" VALUES('callbacks',1);
INSERT INTO "sqlite_sequence" VALUES('inroutes',11);
INSERT INTO "sqlite_sequence" VALUES('mailboxes',1);
INSERT INTO "sqlite_sequence" VALUES('company_contacts',1);
INSERT INTO "sqlite_sequence" VALUES('wakeups',1);
INSERT INTO "sqlite_sequence" VALUES('event_journal',2);
INSERT INTO "sqlite_sequence" VALUES('box_emptyings',1);
INSERT INTO "sqlite_sequence" VALUES('mails',2);
COMMIT;
