"""What kind of trouble the pack takes an alert for, by the names that public rule collections and teams give it."""

import pytest

from agent.configuration.load import load
from correlation.classify import Classifier
from correlation.signals import Signals
from tests.house import SITE

CONFIG = load(SITE)
CLASSIFIER = Classifier(CONFIG.classification, CONFIG.severity)
SIGNALS = Signals(CONFIG.correlation.signals)

NAMES = {
    "power": "UPSLowBattery ApcUpsBatteryNearlyEmpty UpsRuntimeShort UPS电量不足 BatteryLow"
    " UpsOutputOff UPS输出关断 UpsBatteryDepleted 电池电量不足"
    " UPSOutputFailure UPS电池低压"
    " UpsOff",
    "on-battery": "UPSOnBattery ApcUpsAcInputOutage MainsPowerLost UpsInputPowerFailure UPS电池供电 市电中断 "
    "市电断电UPS逆变输出"
    " AcInputLost UPS输入异常",
    "unreachable": "UPSNoComm ups_no_contact UpsSnmpTimeout UPS通信中断 TargetDown UPS网管卡不通 MetricsCollectionLost"
    " SnmpUpsMissing UPS采集中断"
    " UPS通信故障 UPS无法连接",
    "network": "SwitchDown switch_unreachable NetworkDeviceDown 交换机不可达 网络设备离线 MacMoveDetected "
    "交换机MAC漂移 SnmpDeviceRebooted"
    " SpanningTreeTopologyChange StpTopologyChanged 生成树震荡 VrrpStateChanged 堆叠分裂"
    " VRRP主备切换 板卡故障",
    "wan": "WanLinkDown BgpSessionDown 专线中断",
    "names": "CoreDNSDown DnsServerDown 域名解析失败",
    "storage": "StoragePortOffline FcPortDown ArrayControllerBusy 存储端口离线 存储控制器繁忙 NasUnreachable "
    "NfsServerNotResponding CephHealthError 存储不可用 sanLatencyHigh"
    " QnapPoolFull ThinPoolFull 存储精简池满 FilerPoolRebuilding NfsMountError check_nfs NFS挂载失败 "
    "IscsiTargetDown CephPgDegraded"
    " DatastoreInaccessible DatastoreLatencyHigh",
    "host": "HostDown NodeDown KubeNodeNotReady KubeNodeUnreachable ServerNotResponding 主机宕机 服务器失联"
    " check_ping check-host-alive PING NodeTargetDown IcmpProbeFailed VmPoweredOff 主机存活检测失败"
    " 服务器死机 主机掉电",
    "link": "SNMPInterfaceDown SwitchPortDown NodeBondingDegraded IfOperStatusDown 交换机端口down LagMemberDown "
    "NicTeamDegraded DupIP HostDuplicateIp IpAddressConflict IP地址冲突"
    " InterfaceErrDisabled PortSecurityViolation CarrierChanges LacpMemberDown 聚合口成员down",
    "lossy": "OpticalRxPowerLow 接口CRC错误 TransceiverRxPowerLow SnmpInterfaceErrors crcErrorRate "
    "NodeNetworkTransmitErrs 收光功率低 光模块异常 网络丢包率高"
    " 上联拥塞 端口流量过高 IcmpLoss"
    " PacketDrops ServerFrameErrors TxErrors NetworkInErrors 链路丢包率高"
    " LinkErrorsHigh 网卡丢包",
    "lock": "PostgresqlDeadLocks dbLockContention MssqlBlockedProcesses 锁等待 BlockingSessions 表锁",
    "image": "KubeContainerWaiting ImagePullBackOff 镜像拉取失败",
    "disk": "NodeFilesystemAlmostOutOfSpace HostOutOfDiskSpace DiskWillFillIn4Hours FsFull 磁盘快满了 disk_80 "
    "DatastoreFreeSpaceLow"
    " check_disk check_disk_root FS_/var",
    "memory": "HostOutOfMemory NodeMemoryHighUtilization HostOomKillDetected RAMExhausted 内存不足"
    " HostMemoryUnderMemoryPressure GuestMemoryPressure",
    "saturation": "HostContextSwitchingHigh run_queue_long NodeCPUHighUsage NodeSystemSaturation LoadAverageHigh "
    "cpu_usage CPU使用率过高 CpuQueueLengthHigh"
    " check_load Load CpuThrottling ContainerHighThrottleRate",
    "database-down": "PostgresqlDown MySQLInstanceDown PgDown OracleListenerDown 数据库宕机 数据库实例不可达 "
    "OraclePortUnavailable ora-listener check_mysql ElasticsearchClusterRed DatabaseConnectionFailure ES集群Red",
    "dead-letters": "KafkaDeadLetters 死信增多 svc_dlq DLQNotEmpty dlq_growing PoisonMessages",
    "cache": "Redis连接失败 缓存不可用 ValkeyDown DragonflyDown check_memcached RedisMissingMaster Redis连接超时 "
    "RedisDown Redis宕机 MemcachedDown HazelcastMemberMissing",
    "cache-cold": "CacheEvicting 缓存命中率低 ValkeyHitRatioLow RedisEvictions",
    "database": "PostgresqlTooManyConnections MysqlSlowQueries MaxConnectionsReached 数据库连接耗尽 "
    "CNPGClusterHighConnectionsWarning TooManyActiveSessions 数据库会话数过高 慢查询过多 "
    "RedisOutOfConfiguredMaxmemory SessionStoreMemoryHigh 缓存内存不足"
    " ora-response PostgresqlTempFilesHigh 大事务",
    "database-age": "PostgresqlTooManyDeadTuples TransactionIdWraparound PostgresXidAge TableBloat",
    "replication": "PostgresqlReplicationLag MysqlSlaveIoThreadNotRunning SlaveLagTooHigh StandbyBehindPrimary "
    "AvailabilityGroupNotSynchronized"
    " ora-standby DataGuardApplyLag BinlogLag check_mysql_slave WalReceiverDown",
    "restart": "PrometheusTooManyRestarts AppRestartLoop KubePodCrashLooping ContainerRestarting KubeJobFailed "
    "应用频繁重启"
    " BatchExitStatus job-exit check_cron 作业失败",
    "certificate-expired": "证书过期 BlackboxSslCertificateExpired X509CertExpired TLSCertExpired CertNotReady "
    "证书已过期",
    "certificate": "域名证书快到期 SslCertificateWillExpireSoon CertManagerCertExpirySoon TLSCertExpiring "
    "证书即将过期 证书临近过期 证书30天后过期",
    "queue": "KafkaConsumerGroupLag TooManyMessagesInQueue MessagesPilingUp MqDepthHigh "
    " 消息堆积"
    " ChannelDepthHigh 消费延迟",
    "down": "KubePodNotReady BlackboxProbeFailed ServiceDown NoHealthyInstances WebsiteDown 服务不可用 拨测失败 "
    "heartbeat_failed ServiceHeartbeatLost 应用心跳丢失 PrometheusJobMissing NginxUpstreamDown "
    "KubeServiceNoEndpoints 应用节点端口不通"
    " check_tcp check_http ProcessNotRunning 进程不存在 进程数为0 副本数不足 PodsUnschedulable"
    " UnHealthyHostCount ReplicaCountLow 页面打不开"
    " WebserverDown svc_gone 程序异常退出",
    "errors": "ErrorBudgetBurn IstioHigh5xxErrorRate TooManyErrors Http5xxSpike 错误率过高 请求失败率上升"
    " RpcFailures StatsErrors SupportErrorRate 错误日志突增 熔断触发",
    "latency": "upstream_latency_high IstioLatency99Percentile HighRequestLatency SlowResponses "
    "ResponseTimeTooLong 响应时间过长 网站访问慢"
    " check_http_time web-response 接口延迟高 UpsertLatency",
    "cooling": "crac_supply_temp_high CracUnitFailed ChillerFault 空调故障 冷水机组故障"
    " EnvironmentCoolingUnitFault check_clima",
    "fan": "FanTrayFailed fan_3A_critical IpmiFanSpeedStateCritical check_fans",
    "temperature": "RackInletTempHigh HostPhysicalComponentTooHot 机房温度过高 shelterHighTemp"
    " check_temp UPS电池温度高 UpsBatteryTemperature",
    "backup": "BackupJobFailed VeleroBackupFailed 备份失败 VeeamJobNotSucceeded PostgresArchiverStuck 归档日志写入失败"
    " check_backup 备份异常",
    "backup-missed": "BackupTooOld PgbackrestMissing OldSnapshot 快照超期",
    "software": "WindowsRebootPending AnsibleRunFailed salt_highstate_failed PuppetAgentErrors "
    "NodeConfigApplyFailed 配置下发失败",
    "clock": "NodeClockSkewDetected NTPOffset 时间偏差过大 host_clock_offset check_time 系统时间不一致",
    "time-source": "ntp_upstream_bad NtpServerUnreachable ChronySourceUnsynchronised 时间源异常 TimeServerDown"
    " ChronyNoSource NtpStratumHigh",
    "ups-test": "UpsOverload UPSTestFailed UpsBatterySelfTestFailed ups_self_test_bad UPS电池自检不通过 UPS自检失败",
    "paths": "MultipathDegraded MpathFailedPaths SanPathsLost 多路径失效",
    "edge-certificate": "NginxCertificateExpired IngressTLSCertExpired 入口证书过期 网关证书失效",
    "shared-certificate": "IngressDefaultCertificateExpired WildcardCertExpired 通配符证书过期",
    "traffic-low": "TrafficDropped QpsTooLow RequestRateDrop NoTraffic 流量突降 订单量骤降 OrdersZero 登录量突降",
    "failover": "CNPGClusterFailover PostgresqlSwitchover MysqlPrimaryChanged redis_role_changed 数据库主备切换"
    " MongoPrimaryElected DatabaseRoleSwitch",
    "denied": "DBLoginsRefused PostgresqlAuthFailures mysql_access_denied 数据库拒绝登录",
    "hypervisor": "EsxiHostDown HypervisorDown 宿主机宕机 VsphereHostDisconnected check_esx HypervHostDown"
    " VMHostDisconnected",
    "sessions": "NatTableFull FirewallSessionTableFull 防火墙会话表满 FirewallSessionsHigh NAT会话满",
    "log-flood": "ContainerLogRateHigh svc_logspam LogVolumeSpike 日志量突增",
    "reboot": "NodeRebooted HostReboot UnexpectedReboot host_restarted ServerRestarted 主机重启 服务器异常重启"
    " check_uptime SystemBootTimeChanged 运行时间重置",
    "silent": "ExporterDown NodeExporterNoData node_exporter_unreachable ScrapeFailed prometheus_job_failing 采集失败"
    " check_nrpe NRPE NodeAgentMissing ScrapeSlow exporter异常 NoMetrics no-metrics",
    "raid": "NodeRAIDDegraded 阵列降级 ZfsPoolDegraded StoragePoolDegraded check_megaraid_sas",
    "unit": "NodeSystemdServiceFailed OsServiceFailed 守护进程异常",
    "psu": "主机单电源运行 IpmiPowerSupplyFailed PsuFailed psu_failed 服务器电源模块故障 电源冗余丢失"
    " check_hw_psu PowerSupplyWarning",
    "alone": "UPS电池需更换 PowerUPSBatteryService UPSBypassActive UPS转旁路 FluidDetected SsdEndOfLife "
    "PostfixQueueGrowing 邮件队列过长"
    " RackDoorOpen 机柜门未关 DhcpPoolExhausted 地址池不足 mailq SmartNvmePercentageUsed",
    "disk-fault": "DiskPredictedFailure 磁盘预测故障 SmartDeviceUnhealthy SmartCriticalWarning "
    "drive_predictive_failure 文件系统只读 磁盘坏块 物理硬盘离线"
    " check_ro_mounts ReallocatedSectorsHigh XfsCorruptionDetected 磁盘SMART告警"
    " SmartFailure",
    "disk-slow": "NodeDiskIOSaturation disk_await_high HostCpuHighIowait IO等待过高 CpuWaitingForIO 磁盘读写延迟高 "
    "disk_overloaded"
    " HighDiskIOUtilization 磁盘IO利用率高",
    "transfer": "AtsNotTransferred check_ats 双路切换失败 StsSourceLost",
    "feed": "PduInputFeedLost PDUPhaseLost pdu_phase_loss PDU缺相 RackPowerFeedLost 空开跳闸",
    "job": "BackupSlow VeleroBackupRunningTooLong pgbackrest_timeout 备份超时 KubeJobNotCompleted "
    "CronJobTakingTooLong BatchJobOverrun 批处理超时"
    " GuestSnapshotMerging 快照合并中 check_job_duration 任务执行超时",
    "external": "ExternalApiUnreachable ThirdPartyServiceDown 第三方接口不通 channel_api_slow BlackboxSlowExternal "
    "渠道接口超时"
    " PaymentProviderDown 短信通道失败 银行接口超时"
    " ThirdPartySlow PartnerTimeout",
    "limits": "NodeFileDescriptorLimit HostFileDescriptorsExhausted fd_usage_high TooManyOpenFiles 文件句柄数过多"
    " ApiRateLimited svc-rejects DeploymentThrottling 接口限流"
    " TcpTimeWaitSockets check_tcp_timewait EphemeralPortsExhausted TIME_WAIT过多 MaxProcessesReached"
    " PodsPendingQuota KubeQuotaExceeded 配额不足 PortsUsedUp 句柄耗尽",
    "pool": "HikariPoolExhausted TomcatThreadPoolExhausted 线程池耗尽 NoFreeConnections JdbcPoolExhausted "
    "ThreadsBusy PumaNoFreeThreads Tomcat线程耗尽"
    " HikariConnectionsPending PhpFpmMaxChildrenReached check_threads 线程数过高",
    "load": "IngressRequestRateSpike TrafficSurge RequestRateAnomaly 流量突增 请求量异常 KubeHpaMaxedOut "
    "弹性伸缩达上限"
    " svc-calls-high TooManyRequests HighCallVolume 流量洪峰"
    " 访问突增 请求数过高 并发请求过多"
    " 请求突增 访问量暴涨",
    "credentials": "OAuthTokenValidationFailures ServiceTokenExpired LdapBindFailed http_401 鉴权失败突增 凭证过期",
    "release": "KubeDeploymentRolloutStuck HelmReleaseFailed DeploymentNotProgressing 发布失败 上线卡住"
    " DeployHappened svc-release 版本发布 FeatureFlagSwitched 功能开关变更 ArgocdServiceNotSynced"
    " 升级失败 HotfixDeployed",
    "gone": "TorUnreachable 前置机失联 PbxOffline",
    "volume": "KubePersistentVolumeFillingUp pvc_almost_full 数据卷使用率高",
    "directory": "ActiveDirectoryDown DomainControllerUnreachable LdapServerDown 域控宕机 域账号认证失败"
    " check_ldap RadiusDown LDAP不可用",
    "licence": "LicenseExpired LicenceCapacityExceeded 软件授权到期 许可证超限 check_license",
    "broker-down": "RabbitmqNodeDown RabbitMQNodeNotRunning KafkaBrokerDown MqttGone 消息队列停止"
    " AmqpDown QueueManagerDown mq-qmgr check_rabbitmq MqttBrokerOffline 队列管理器停止",
    "broker": "RabbitmqMemoryHigh KafkaUnderReplicatedPartitions KafkaOfflinePartitions BrokerBackPressure "
    "TopicNoOwner BrokerNoLiveNode PartitionWithoutLeader MQ内存告警"
    " KafkaNoActiveController RabbitmqClusterPartition"
    " RabbitMQDiskFreeAlarm PartitionOffline",
    "control": "KubeAPIErrorBudgetBurn KubeClientErrors etcdHighFsyncDurations",
    "heap": "ContainerHighMemoryUsage PodMemoryNearLimit component_mem_limit 容器内存接近上限"
    " JvmMemoryFillingUp JVM堆内存不足 HeapUsageHigh GcOverhead OldGenFull 老年代使用率高",
    "node-pressure": "KubeNodePressure KubeNodeEviction NodeDiskPressure",
    "swap": "HostSwapIsFillingUp KubeMemoryOvercommit 交换分区占用高 交换空间不足",
    "hardware": "HostEdacCorrectableErrorsDetected MemoryModulePredictedToFail 服务器内存ECC告警"
    " SoftLockup 内核软锁死 HungTaskDetected KernelPanic check_openmanage GpuXidError 主板故障",
    "change": "PuppetChanges ConfigChanged sw-config-saved 批量配置变更 SwitchConfigSaved AclChanged 网络配置变更",
    "overcommitted": "HypervisorMemoryCommitted 宿主机内存不足",
    "licence-soon": "LicenceEnding LicenseDaysRemaining license_will_expire 授权即将到期 License即将到期",
    "device-load": "SwitchHighCpu 交换机CPU高",
    "other": "Watchmaker 某某指标异常 VectorLag 日志上送滞后 FilebeatNotShipping",
}


@pytest.mark.parametrize(("signal", "name"), [(signal, n) for signal, names in NAMES.items() for n in names.split()])
def test_the_name_of_an_alert_tells_its_kind_of_trouble(signal: str, name: str) -> None:
    assert SIGNALS.of(CLASSIFIER.classify({"alertname": name})).id == signal


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("FeatureFlagSwitched", "network"),
        ("SwitchoverPlanned", "network"),
        ("AdminRequestPending", "network"),
        ("UpsertRate", "alone"),
        ("StatsSourceMissing", "feed"),
        ("CircuitBreakerOpen", "feed"),
        ("LoadBalancerDown", "database-down"),
        ("UpgradeDown", "database-down"),
        ("SupportDown", "link"),
        ("ReportErrors", "lossy"),
        ("AlertNotResolved", "names"),
        ("NetworkCarrierLost", "wan"),
        ("PortalProcessingStopped", "software"),
        ("temp_files_high", "temperature"),
        ("Response Time", "clock"),
        ("ThreadPoolFull", "storage"),
        ("ServerHealthcheckFailure", "hardware"),
        ("HostMemoryUnderMemoryPressure", "node-pressure"),
        ("PostgresqlTooManyDeadTuples", "database-down"),
        ("ThirdPartyTimeout", "clock"),
        ("StorageSlow", "disk"),
        ("请求耗时过高", "load"),
        ("NetscalerDown", "link"),
        ("TimeoutsHigh", "clock"),
        ("RequestErrorRateHigh", "load"),
    ],
)
def test_a_word_within_another_is_not_read(name: str, signal: str) -> None:
    assert SIGNALS.of(CLASSIFIER.classify({"alertname": name})).id != signal


@pytest.mark.parametrize(
    ("labels", "signal"),
    [
        ({"job": "node-exporter", "instance": "web-1:9100"}, "host"),
        ({"instance": "web-1:9182"}, "host"),
        ({"job": "snmp-ups", "instance": "ups-1:161"}, "unreachable"),
        ({"job": "snmp-switch", "instance": "sw-1:161"}, "network"),
        ({"job": "groups", "instance": "web-1:80"}, "unreachable"),
        ({"job": "kubelet", "namespace": "kube-system"}, "unreachable"),
    ],
)
def test_what_prometheus_cannot_reach_is_known_by_its_job_or_port(labels: dict[str, str], signal: str) -> None:
    for name in ("TargetDown", "InstanceDown"):
        found = SIGNALS.of(CLASSIFIER.classify({"alertname": name, **labels})).id
        assert found == signal or (found, signal, name) == ("down", "unreachable", "InstanceDown")


@pytest.mark.parametrize(
    ("words", "signal"),
    [
        ("load of is", "saturation"),
        ("CPU at %", "saturation"),
        ("is % full", "disk"),
        ("/data will be full soon", "disk"),
        ("takes ms", "latency"),
        ("p99 latency ms", "latency"),
        ("Switch does not answer", "network"),
        ("Certificate of expires in d h", "certificate"),
        ("Replication of lags s", "replication"),
        ("No SNMP data collection from UPS", "unreachable"),
        ("CPU spends too much time waiting for I/O", "disk-slow"),
        ("Physical disk predicts failure", "disk-fault"),
        ("JDBC: No free connection in pool", "pool"),
        ("Server has been restarted (uptime < 10m)", "reboot"),
        ("smoke test of checkout failed", "other"),
        ("nobody knows", "other"),
    ],
)
def test_what_no_rule_knows_by_its_name_is_known_by_what_it_says(words: str, signal: str) -> None:
    assert SIGNALS.of(CLASSIFIER.classify({"alertname": "R-117"}, words=words)).id == signal


@pytest.mark.parametrize(
    ("expression", "signal"),
    [
        ('(1 - node_filesystem_avail_bytes{fstype!="tmpfs"} / node_filesystem_size_bytes) > 0.9', "disk"),
        ("predict_linear(node_filesystem_avail_bytes[6h], 4 * 3600) < 0", "disk"),
        ("node_filesystem_files_free / node_filesystem_files < 0.1", "disk"),
        ("kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.1", "volume"),
        ('node_md_disks{state="failed"} > 0', "raid"),
        ("smartctl_device_smart_status == 0", "disk-fault"),
        ("rate(node_disk_io_time_seconds_total[5m]) > 0.9", "disk-slow"),
        ('avg by (instance) (rate(node_cpu_seconds_total{mode="iowait"}[5m])) > 0.5', "disk-slow"),
        ('1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) > 0.9', "saturation"),
        ("node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.1", "memory"),
        ("increase(node_vmstat_oom_kill[5m]) > 0", "memory"),
        ("abs(node_timex_offset_seconds) > 0.05", "clock"),
        ("time() - node_boot_time_seconds < 600", "reboot"),
        ("changes(pg_replication_is_replica[5m]) > 0", "failover"),
        ("rate(mysql_global_status_access_denied_errors[5m]) > 1", "denied"),
        ("ntp_stratum >= 16", "time-source"),
        ('probe_duration_seconds{job="external"} > 3', "external"),
        ("upsTestResultsSummary{} == 3 or ups_self_test_failed == 1", "ups-test"),
        ('node_systemd_unit_state{state="failed"} == 1', "unit"),
        ("process_open_fds / process_max_fds > 0.9", "limits"),
        ('kube_node_status_condition{condition="Ready",status="true"} == 0', "host"),
        ('kube_node_status_condition{condition="MemoryPressure",status="true"} == 1', "node-pressure"),
        ("ifOperStatus == 2", "link"),
        ("rate(ifInErrors[5m]) > 1", "lossy"),
        ("rate(node_netstat_Tcp_RetransSegs[5m]) / rate(node_netstat_Tcp_OutSegs[5m]) > 0.05", "lossy"),
        ("upsOutputSource == 5", "on-battery"),
        ('network_ups_tools_ups_status{flag="OB"} == 1', "on-battery"),
        ("network_ups_tools_battery_charge < 30", "power"),
        ("upsAlarmBatteryBad == 1", "alone"),
        ("node_hwmon_temp_celsius > 80", "temperature"),
        ("pg_up == 0", "database-down"),
        ("mysql_global_status_threads_connected / mysql_global_variables_max_connections > 0.8", "database"),
        ("pg_replication_lag_seconds > 30", "replication"),
        ("increase(pg_stat_database_deadlocks[5m]) > 5", "lock"),
        ("hikaricp_connections_pending > 5", "pool"),
        ("rabbitmq_queue_messages_ready > 1000", "queue"),
        ("absent(rabbitmq_identity_info)", "broker-down"),
        ("kafka_up == 0", "broker-down"),
        ("upsTestResultsSummary == 3", "ups-test"),
        ("borg_running == 1 and hour() > 7", "job"),
        ("(time() - borg_last_success_timestamp) / 3600 > 30", "backup-missed"),
        ("haproxy_backend_active_servers < 1", "down"),
        ("app_jobs_waiting > 1000", "queue"),
        ("scrape_samples_scraped == 0", "silent"),
        ("apt_upgrades_pending > 20", "software"),
        ("megacli_virtual_drive_degraded > 0", "raid"),
        ('rate(log_lines_total{level="error"}[1m]) > 10', "errors"),
        ("sum by (consumergroup) (kafka_consumergroup_lag) > 10000", "queue"),
        ("kafka_topic_partition_under_replicated_partition > 0", "broker"),
        ("probe_ssl_earliest_cert_expiry - time() < 0", "certificate-expired"),
        ("probe_ssl_earliest_cert_expiry - time() < 14 * 86400", "certificate"),
        ("probe_success == 0", "down"),
        ("probe_duration_seconds > 2", "latency"),
        (
            'sum by (s) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (s) (rate(http_requests_total[5m]))',
            "errors",
        ),
        ("histogram_quantile(0.99, sum by (le, s) (rate(http_request_duration_seconds_bucket[5m]))) > 1", "latency"),
        ("increase(kube_pod_container_status_restarts_total[10m]) > 3", "restart"),
        ("kube_deployment_status_replicas_unavailable > 0", "down"),
        ("time() - backup_last_success_timestamp_seconds > 90000", "backup-missed"),
        ("jvm_gc_collection_seconds_sum > 1", "heap"),
        ('absent(up{job="shop"})', "gone"),
        ("node_sockstat_TCP_tw > 26000", "limits"),
        ("increase(node_kmsg_softlockup_total[5m]) > 0", "hardware"),
        ('node_processes_state{state="Z"} > 100', "software"),
        ("rate(container_cpu_cfs_throttled_periods_total[5m]) > 0.25", "saturation"),
        ('node_filesystem_device_error{fstype="nfs4"} == 1', "storage"),
        ("node_filesystem_device_error == 1", "disk-fault"),
        ("storage_thin_pool_used_percent > 95", "storage"),
        ("upsBasicOutputStatus == 7", "power"),
        ("upsBatteryTemperature > 38", "temperature"),
        ('up{job="snmp_ups"} == 0', "unreachable"),
        ("atsStatusSelectedSource != atsPreferredSource", "transfer"),
        ('kube_pod_status_phase{phase="Pending"} > 0', "down"),
        ("pdu_phase_current_amperes > 14", "feed"),
        ('up{job="rabbitmq"} == 0', "broker-down"),
        ('kube_statefulset_status_replicas_ready{statefulset="dragonfly"} == 0', "cache"),
        ("ibmmq_qmgr_status != 2", "broker-down"),
        ("oracledb_dataguard_apply_lag_seconds > 60", "replication"),
        ("increase(dot1dStpTopChanges[5m]) > 20", "network"),
        ("portErrDisabled == 1", "link"),
        ("probe_ssl_earliest_cert_expiry <= time()", "certificate-expired"),
        ("libvirt_domain_block_job_type == 2", "job"),
        ("libvirt_up == 0", "hypervisor"),
        ("windows_time_computed_time_offset_seconds > 1", "clock"),
        ('increase(kube_pod_container_status_last_terminated_reason{reason="OOMKilled"}[5m]) > 0', "heap"),
        ("changes(app_build_info[10m]) > 0", "release"),
        ("changes(puppet_last_run_changed_resources[10m]) > 0", "change"),
        ("time() - vector_last_sent_timestamp_seconds > 900", "other"),
        ("kea_dhcp4_addresses_assigned_total / kea_dhcp4_addresses_total > 0.95", "alone"),
        ("rate(http_requests_total[5m]) > 3 * rate(http_requests_total[5m] offset 1d)", "load"),
        ("rate(http_requests_total[5m]) < 0.3 * rate(http_requests_total[5m] offset 1d)", "traffic-low"),
        ("restic_last_exit_code != 0", "backup"),
        ("job_last_exit_status != 0", "restart"),
        ('up{job="node"} == 0 and on(instance) probe_success == 1', "silent"),
        ("rack_door_state == 1", "alone"),
        ("phpfpm_active_processes / phpfpm_max_children > 0.9", "pool"),
        ("nginx_up == 0", "down"),
        ('probe_success{job="icmp"} == 0', "gone"),
        ('command_status{command="check_tcp"} == 2', "down"),
        ("kube_horizontalpodautoscaler_status_current_replicas >= max", "load"),
        ("my_own_metric > 3", "other"),
    ],
)
def test_what_no_rule_knows_by_its_name_is_known_by_what_its_rule_looks_at(expression: str, signal: str) -> None:
    assert SIGNALS.of(CLASSIFIER.classify({"alertname": "R-117"}, expression=expression)).id == signal


@pytest.mark.parametrize(("name", "signal"), [("sw-uplink", "lossy"), ("UplinkDown", "lossy"), ("IspLinkBusy", "wan")])
def test_of_an_uplink_what_is_looked_at_says_whether_it_is_full(name: str, signal: str) -> None:
    full = "rate(ifHCInOctets[5m]) * 8 / 1e9 > 0.9"
    assert SIGNALS.of(CLASSIFIER.classify({"alertname": name}, expression=full)).id == signal


@pytest.mark.parametrize(
    ("kind", "signal"),
    [("host", "host"), ("switch", "network"), ("ups", "unreachable"), ("service", "down"), ("", "down")],
)
def test_what_does_not_answer_is_known_by_the_kind_of_its_item(kind: str, signal: str) -> None:
    gone = SIGNALS.of(CLASSIFIER.classify({"alertname": "PbxOffline"}))
    assert SIGNALS.about(gone, kind).id == signal


@pytest.mark.parametrize(
    ("name", "kind", "signal"),
    [
        ("CacheNodeDown", "service", "cache"),
        ("CacheNodeDown", "host", "cache"),
        ("UplinkPacketLoss", "switch", "link"),
        ("UplinkDown", "", "wan"),
        ("PDUPhaseLost", "rack", "feed"),
        ("PDUPhaseLost", "", "feed-unplaced"),
        ("RackInletTempHigh", "rack", "temperature"),
        ("RackInletTempHigh", "", "air"),
        ("TargetDown", "host", "silent"),
        ("PrometheusTargetMissing", "host", "silent"),
        ("HostsUnreachable", "rack", "zone"),
        ("CephOsdLatencyHigh", "", "storage-unplaced"),
        ("IngressCertExpired", "service", "certificate-expired"),
        ("DeviceRebooted", "switch", "network"),
        ("ResponseTimeTooHigh", "storage", "storage"),
        ("FanFailed", "host", "fan"),
        ("FanFailed", "rack", "cooling"),
        ("HighCpuUtilization", "switch", "device-load"),
        ("coldRestarted", "host", "reboot"),
        ("coldRestarted", "service", "restart"),
    ],
)
def test_the_kind_of_the_item_says_what_a_name_means(name: str, kind: str, signal: str) -> None:
    assert SIGNALS.about(SIGNALS.of(CLASSIFIER.classify({"alertname": name})), kind).id == signal


def test_every_signal_that_another_names_exists() -> None:
    for signal in CONFIG.correlation.signals:
        assert {*signal.explains, *signal.by_kind.values()} <= SIGNALS.by_id.keys()


@pytest.mark.parametrize(
    ("word", "urgency"), [("紧急", 1), ("严重", 2), ("警告", 3), ("提示", 4), ("CRIT", 2), ("warn", 3)]
)
def test_the_severity_label_is_read_in_the_words_of_many(word: str, urgency: int) -> None:
    assert CLASSIFIER.classify({"alertname": "Watchmaker", "severity": word}).urgency == urgency
