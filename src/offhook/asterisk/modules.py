"""The allow-list of Asterisk modules: what offhook's dialplan and configuration use, and nothing beyond it.

Every module is attack surface (the engine's advisories of 2026 name several that no PBX needs), so
autoload is off and a test compares what is loaded with this list.
"""

from __future__ import annotations

PRELOAD = ("res_config_sqlite3.so",)
"""Loaded before the rest: sorcery and extconfig read the store through it."""

MODULES = (
    # configuration and storage
    "res_sorcery_config.so",
    "res_sorcery_realtime.so",
    "res_sorcery_astdb.so",
    "res_sorcery_memory.so",
    "pbx_config.so",
    "pbx_realtime.so",
    "func_realtime.so",
    # SIP
    "res_crypto.so",
    "res_pjproject.so",
    "res_pjsip.so",
    "res_pjsip_session.so",
    "res_pjsip_pubsub.so",
    "res_pjsip_authenticator_digest.so",
    "res_pjsip_outbound_authenticator_digest.so",
    "res_pjsip_outbound_registration.so",
    "res_pjsip_outbound_publish.so",
    "res_pjsip_registrar.so",
    "res_pjsip_endpoint_identifier_ip.so",
    "res_pjsip_endpoint_identifier_user.so",
    "res_pjsip_caller_id.so",
    "res_pjsip_diversion.so",
    "res_pjsip_dtmf_info.so",
    "res_pjsip_exten_state.so",
    "res_pjsip_dialog_info_body_generator.so",
    "res_pjsip_pidf_body_generator.so",
    "res_pjsip_header_funcs.so",
    "res_pjsip_mwi.so",
    "res_pjsip_mwi_body_generator.so",
    "res_pjsip_nat.so",
    "res_pjsip_path.so",
    "res_pjsip_refer.so",
    "res_pjsip_rfc3326.so",
    "res_pjsip_sdp_rtp.so",
    "res_pjsip_acl.so",
    "res_rtp_asterisk.so",
    "res_srtp.so",
    "chan_pjsip.so",
    "func_pjsip_aor.so",
    "func_pjsip_contact.so",
    "func_pjsip_endpoint.so",
    # bridges and media
    "bridge_builtin_features.so",
    "bridge_builtin_interval_features.so",
    "bridge_holding.so",
    "bridge_native_rtp.so",
    "bridge_simple.so",
    "bridge_softmix.so",
    "codec_alaw.so",
    "codec_ulaw.so",
    "codec_a_mu.so",
    "codec_g722.so",
    "codec_gsm.so",
    "codec_resample.so",
    "codec_opus_open_source.so",
    "res_format_attr_opus.so",
    "format_gsm.so",
    "format_pcm.so",
    "format_sln.so",
    "format_wav.so",
    "format_wav_gsm.so",
    "res_musiconhold.so",
    "res_timing_timerfd.so",
    "res_mutestream.so",
    # applications
    "app_bridgeaddchan.so",
    "app_bridgewait.so",
    "app_celgenuserevent.so",
    "app_chanspy.so",
    "app_channelredirect.so",
    "app_confbridge.so",
    "app_dial.so",
    "app_directory.so",
    "app_directed_pickup.so",
    "app_exec.so",
    "app_mixmonitor.so",
    "app_originate.so",
    "app_page.so",
    "app_playback.so",
    "app_queue.so",
    "app_read.so",
    "app_sayunixtime.so",
    "app_softhangup.so",
    "app_stack.so",
    "app_userevent.so",
    "app_verbose.so",
    "app_voicemail.so",
    "app_waitforcond.so",
    "app_while.so",
    "app_echo.so",
    "res_parking.so",
    "chan_rtp.so",
    "res_rtp_multicast.so",
    # fax
    "res_fax.so",
    "res_fax_spandsp.so",
    "res_pjsip_t38.so",
    # functions
    "func_callerid.so",
    "func_cdr.so",
    "func_channel.so",
    "func_cut.so",
    "func_db.so",
    "func_devstate.so",
    "func_dialplan.so",
    "func_global.so",
    "func_groupcount.so",
    "func_hangupcause.so",
    "func_lock.so",
    "func_logic.so",
    "func_math.so",
    "func_strings.so",
    "func_timeout.so",
    "func_volume.so",
    "func_export.so",
    "func_extstate.so",
    # records
    "cel_custom.so",
    "res_cdrel_custom.so",
)

OPTIONAL = frozenset({"codec_opus_open_source.so", "res_format_attr_opus.so", "res_cdrel_custom.so"})
"""Modules whose absence is no fault: opus comes from outside Asterisk's tree, newer CEL needs a helper."""

_APPLICATIONS = """
Answer BackGround Busy Congestion ExecIfTime Goto GotoIf GotoIfTime Hangup Incomplete NoOp Proceeding
Progress RaiseException Ringing SayAlpha SayAlphaCase SayDigits SayNumber SayPhonetic Set MSet Wait
WaitExten WaitDigit ImportVar KeepAlive Bridge ParkedCall Park BridgeAdd BridgeWait CELGenUserEvent
ChannelRedirect ConfBridge Dial RetryDial Directory Pickup Exec TryExec ExecIf Originate Page Playback
Queue AddQueueMember RemoveQueueMember PauseQueueMember UnpauseQueueMember Read SayUnixTime DateTime
Gosub GosubIf Return StackPop UserEvent Verbose Log VoiceMail VoiceMailMain MailboxExists
WaitForCondition While EndWhile ExitWhile ContinueWhile Echo MusicOnHold StartMusicOnHold StopMusicOnHold
SetMusicOnHold ReceiveFAX
"""

APPLICATIONS = frozenset(name.lower() for name in _APPLICATIONS.split())
"""Applications of the core and of the modules above that a dialplan may use, in lower case."""
