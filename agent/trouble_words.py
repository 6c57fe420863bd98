"""What kinds of trouble are called, and in a few words why alerts came or went: for sentences that people read."""

from collections.abc import Mapping

from escalation.words import Language

Words = Mapping[str, tuple[str, str]]

_SIGNALS: Words = {
    "power": ("power that fails", "供电故障"),
    "ups-test": ("a test of a UPS", "UPS 测试"),
    "feed": ("a feed without power", "配电支路断电"),
    "feed-unplaced": ("a feed without power", "配电支路断电"),
    "psu": ("a power supply", "电源模块故障"),
    "on-battery": ("a UPS on battery", "UPS 由电池供电"),
    "network": ("a network device", "网络设备故障"),
    "wan": ("the way out", "出口线路故障"),
    "names": ("name service", "域名解析故障"),
    "storage": ("storage", "存储故障"),
    "storage-unplaced": ("storage", "存储故障"),
    "paths": ("paths to storage", "存储路径故障"),
    "host": ("a host that is down", "主机宕机"),
    "zone": ("many hosts of one place", "同一区域的多台主机"),
    "hypervisor": ("a hypervisor", "虚拟化宿主机故障"),
    "hardware": ("hardware", "硬件故障"),
    "reboot": ("a restart of the machine", "机器重启"),
    "link": ("a link that is down", "链路中断"),
    "lossy": ("a link that loses packets", "链路丢包或拥塞"),
    "disk-fault": ("a disk that fails", "磁盘故障"),
    "disk-slow": ("a slow disk", "磁盘响应慢"),
    "disk": ("space on a disk", "磁盘空间不足"),
    "log-flood": ("a flood of log lines", "日志激增"),
    "memory": ("memory", "内存不足"),
    "node-pressure": ("pressure on a node", "节点资源紧张"),
    "volume": ("a volume", "存储卷故障"),
    "overcommitted": ("memory promised twice on a hypervisor", "虚拟化宿主机内存超分"),
    "swap": ("swapping", "频繁换页"),
    "cache": ("a cache that is down or misses", "缓存宕机或未命中"),
    "dead-letters": ("messages that nobody can read", "死信堆积"),
    "change": ("a change of configuration", "配置变更"),
    "heap": ("the heap", "堆内存不足"),
    "limits": ("a limit that is reached", "达到资源上限"),
    "saturation": ("load", "负载过高"),
    "device-load": ("load of a network device", "网络设备负载过高"),
    "sessions": ("sessions of a network device", "网络设备会话数过高"),
    "database-down": ("a database that is down", "数据库宕机"),
    "failover": ("a failover", "主备切换"),
    "denied": ("refused connections to a database", "数据库拒绝连接"),
    "lock": ("locks in a database", "数据库锁等待"),
    "database": ("a slow database", "数据库性能下降"),
    "replication": ("replication", "复制延迟或中断"),
    "job": ("a job that overruns", "任务运行超时"),
    "restart": ("crashes or failed jobs", "进程崩溃或任务失败"),
    "certificate-expired": ("an expired certificate", "证书已过期"),
    "edge-certificate": ("the certificate of the edge", "入口证书问题"),
    "licence": ("a licence", "许可证问题"),
    "certificate": ("a certificate that will expire", "证书即将过期"),
    "broker-down": ("a broker that is down", "消息中间件宕机"),
    "broker": ("a broker", "消息中间件故障"),
    "queue": ("a queue that grows", "队列积压"),
    "pool": ("a pool that is used up", "连接池或线程池耗尽"),
    "load": ("more traffic than usual", "流量激增"),
    "traffic-low": ("less traffic than usual", "流量骤降"),
    "credentials": ("credentials", "凭据问题"),
    "directory": ("the directory of users", "目录服务故障"),
    "control": ("the control plane", "控制面故障"),
    "external": ("a service of others", "外部接口故障"),
    "release": ("a release", "发布异常"),
    "image": ("an image that cannot be had", "镜像拉取失败"),
    "down": ("a service that is down", "服务不可用"),
    "gone": ("something that does not answer", "对象失联"),
    "errors": ("errors of a service", "服务错误率升高"),
    "latency": ("a slow service", "服务响应慢"),
    "unreachable": ("something that cannot be reached", "对象不可达"),
    "silent": ("an exporter that is silent", "采集程序无响应"),
    "cooling": ("cooling", "制冷故障"),
    "fan": ("a fan", "风扇故障"),
    "temperature": ("heat", "温度过高"),
    "air": ("the air of a room", "机房环境异常"),
    "backup": ("a backup that failed", "备份失败"),
    "backup-missed": ("a backup that is due", "备份逾期"),
    "raid": ("a RAID", "磁盘阵列异常"),
    "unit": ("a unit of systemd", "systemd 服务异常"),
    "clock": ("a clock that is wrong", "时钟偏差"),
    "time-source": ("the source of time", "时间源故障"),
    "software": ("software", "软件异常"),
}
_CAUSES: Words = {
    "stands_on": ("it depends on what failed", "所依赖的对象故障"),
    "same_item": ("something on the same item", "同一对象上的故障"),
    "brought_about": ("a cause that was told later", "较晚上报的原因"),
    "better_cause": ("something explains it better", "另有更好的解释"),
    "unwritten": ("kind, place and time", "类型、地点和时间相符"),
    "unwritten_effect": ("kind, place and time", "类型、地点和时间相符"),
    "unwritten_better": ("kind, place and time", "类型、地点和时间相符"),
    "join_rule": ("a join rule", "合并规则"),
    "same_alert": ("another threshold of the same alert", "同一告警的另一阈值"),
    "fired_again": ("it fired again", "再次触发"),
    "source_group": ("one group of its source, words alike", "来源同组且文字相近"),
    "similar_text": ("one group of its source, words alike", "来源同组且文字相近"),
    "learned": ("they came together before", "以往同时出现"),
    "wave": ("many of one kind at once", "同类告警同时出现"),
    "storm": ("the storm", "告警风暴"),
    "resolved": ("their source says so", "来源告知"),
    "expired": ("not told again in time", "未按时再次上报"),
    "not_active_at_source": ("their source shows them no more", "来源不再显示"),
    "end_untold": ("a newer firing came", "已有新的触发"),
}
"""Why alerts came into an incident, and why they ended, in a line that counts many."""


def signal_text(signal: str, language: Language) -> str:
    """A kind of trouble; one that a site has made is called as it calls it."""
    own = f"kind {signal}", f"{signal} 类故障"
    return _SIGNALS.get(signal, own)[language == "zh"]


def cause_text(code: str, language: Language) -> str:
    """A code of a reason in a few words; one that has none is said with spaces."""
    other = code.replace("_", " ")
    return _CAUSES.get(code, (other, other))[language == "zh"]
