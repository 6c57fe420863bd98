"""What codes and kinds of events are called, in English and in Chinese; facts stand in braces."""

from collections.abc import Mapping
from typing import Any

LANGUAGES = ("en", "zh")


Sentences = Mapping[str, tuple[str, str]]


REASONS: Sentences = {
    # where an alert belongs
    "none": ("nothing is known of it", "没有记录原因"),
    "first_of_incident": (
        "no open incident took it in, so it opened this one[ (classified by rule {rule})]",
        "没有可并入的事件,因此新建事件[(按规则 {rule} 分类)]",
    ),
    "no_known_error": (
        "no known error fits[; solved incidents that resemble it: {count}]",
        "没有匹配的已知错误[;有 {count} 个相近的已解决事件]",
    ),
    "no_known_error_yet": (
        "no known error yet: they are still looked through[; solved incidents that resemble it: {count}]",
        "暂无已知错误,仍在查找[;有 {count} 个相近的已解决事件]",
    ),
    # whose it is, and what it is
    "covered": ("contract {contract} covers it", "合同 {contract} 覆盖该事项"),
    "no_contract": ("{customer} has no contract", "{customer} 没有合同"),
    "contract_not_begun": ("contract {contract} begins on {valid_from}", "合同 {contract} 自 {valid_from} 起生效"),
    "contract_over": ("contract {contract} ended on {valid_until}", "合同 {contract} 已于 {valid_until} 到期"),
    "service_not_covered": (
        "contract {contract} does not cover the service {service}",
        "合同 {contract} 不包含服务 {service}",
    ),
    "items_not_covered": ("contract {contract} covers none of {items}", "合同 {contract} 不包含 {items}"),
    "outside_hours": (
        "it was reported outside the hours ({hours}) of contract {contract}",
        "报告时间不在合同 {contract} 的服务时段({hours})内",
    ),
    "kind_is_change": ("it is of the kind {kind}", "其性质为 {kind}"),
    "category_is_change": ("{category} is a category of changes", "{category} 属于变更类别"),
    "join_rule": ("joined by rule {rule}: it has the same {labels}", "按规则 {rule} 并入:{labels} 相同"),
    "same_alert": (
        "the same alert at another threshold[ (severity {severity})]",
        "同一告警的另一阈值[(severity {severity})]",
    ),
    "fired_again": ("it fired again: its incident is {incident}", "再次触发:仍属事件 {incident}"),
    "window_over": (
        "{incident} would have taken it in, but it came {late_s} s after its last alert: the window is over",
        "本可并入 {incident},但距其最后一个告警已 {late_s} 秒,超出时间窗",
    ),
    "stands_on": (
        "{alertname} of {item}[ ({signal})] explains it: {about} depends on {item}[ (certainty {weight})]",
        "{item} 的 {alertname}[({signal})]可解释它:{about} 依赖于 {item}[(可信度 {weight})]",
    ),
    "unwritten": (
        "{alertname} of {item}[ ({signal})] explains it by kind, place and time[ (certainty {weight})]: nobody has "
        "written what it stands on; topology.yaml makes it sure",
        "{item} 的 {alertname}[({signal})]按类型、地点和时间可解释它[(可信度 {weight})]:"
        "没有人写明它依赖于什么;写入 topology.yaml 即可确定",
    ),
    "unwritten_effect": (
        "it explains {alertname} of {item}, which came first, by kind, place and time[ (certainty {weight})]: nobody "
        "has written what that stands on; topology.yaml makes it sure",
        "按类型、地点和时间,它可解释先到的 {item} 的 {alertname}[(可信度 {weight})]:"
        "没有人写明后者依赖于什么;写入 topology.yaml 即可确定",
    ),
    "unwritten_better": (
        "moved here from {from}: {alertname} of {item} explains it better by kind, place and time[ (certainty {weight})"
        "]: nobody has written what it stands on; topology.yaml makes it sure",
        "从 {from} 移入:{item} 的 {alertname} 按类型、地点和时间更能解释它[(可信度 {weight})]:"
        "没有人写明它依赖于什么;写入 topology.yaml 即可确定",
    ),
    "same_item": (
        "{alertname} of the same {item}[ ({signal})] explains it[ (certainty {weight})]",
        "同一 {item} 的 {alertname}[({signal})]可解释它[(可信度 {weight})]",
    ),
    "brought_about": (
        "it explains {alertname} of {item}, which came first[ (certainty {weight})]",
        "它可解释先到的 {item} 的 {alertname}[(可信度 {weight})]",
    ),
    "better_cause": (
        "moved here from {from}: {alertname} of {item} explains it better[ (certainty {weight})]",
        "从 {from} 移入:{item} 的 {alertname} 更能解释它[(可信度 {weight})]",
    ),
    "source_group": (
        "its source told it in one group with others, and they read alike[ (certainty {weight})]",
        "来源将其与其他告警归为一组,且文字相近[(可信度 {weight})]",
    ),
    "similar_text": (
        "it reads like the others ({alertname}), and its source told them in one group[ (certainty {weight})]",
        "与其他告警({alertname})文字相近,且来源将其归为一组[(可信度 {weight})]",
    ),
    "evidence_short": (
        "{incident} came nearest, with certainty {weight} of the {needed} needed[ ({evidence})]",
        "最接近的是 {incident},可信度 {weight},需 {needed}[({evidence})]",
    ),
    "learned": (
        "such alerts came together with {alertname} in {times} confirmed incidents of late[ ({incidents})]",
        "此类告警近来在 {times} 个已确认的事件中与 {alertname} 同时出现[({incidents})]",
    ),
    "wave": (
        "{count} items[ on {on}] told of {alertname} within moments: one trouble, unless something explains it better"
        "[; moved from {from}]",
        "[{on} 上的 ]{count} 个对象几乎同时出现 {alertname}:视为同一故障,除非另有更好的解释[;由 {from} 移入]",
    ),
    "storm": (
        "it came in a storm of alerts[ in {place}], and nothing else explains it[; moved from {from}]",
        "属于[ {place} 的]告警风暴,无其他原因可解释[;由 {from} 移入]",
    ),
    "let_out": (
        "{incident} is a storm of alerts[ in {place}]; a critical alert of a kind new to it may be another trouble, so "
        "it stays apart: `merge` it where it is not",
        "{incident} 是[ {place} 的]告警风暴;其中未见过的严重告警可能是另一故障,故单独处理:若非如此请合并(`merge`)",
    ),
    "kept_apart": (
        "not {incident}, which it would have joined: {by} split such alerts of {place} from each other in {split}; "
        "until {until} they are joined by hand alone",
        "未并入本可并入的 {incident}:{by} 曾在 {split} 中将 {place} 的此类告警拆分;{until} 之前仅可人工合并",
    ),
    "likely_root": (
        "the likely root[: {signal}][, severity {severity}][; {reach} of {of} others came of it]"
        "[; it began {after_s} s after the first][ (its rule waits {for_s} s)][; alerts of its name: {same_name}]",
        "可能的根源[:{signal}][,级别 {severity}][;其余 {of} 个中有 {reach} 个由其引起][;在首个告警之后 "
        "{after_s} 秒开始][(其规则等待 {for_s} 秒)][;同名告警 {same_name} 个]",
    ),
    "root_as_taught": (
        "people named an alert of this kind as the root in {times} incidents like it (last in {incident}, by {by}), "
        "and not {instead}",
        "在 {times} 个类似事件中,人员指定此类告警为根源(最近为 {incident},由 {by} 指定),而非 {instead}",
    ),
    "merged": ("moved here when {from} was merged in", "因 {from} 合并而移入"),
    "split": ("moved here when it was split from {from}", "从 {from} 拆分而来"),
    "earliest": ("it started first", "它最早开始"),
    "person": ("[{by} ]said so[: {reason}]", "[{by} ]指定[:{reason}]"),
    "timetable": ("a step of the timetable[ ({step})] makes it so", "由时间表步骤[({step})]决定"),
    "severity": ("its severity[ ({severity})] makes it so", "由其级别[({severity})]决定"),
    # why it was held back
    "silenced": ("silenced by {by} until {until}", "被 {by} 静默至 {until}"),
    "in_window": ("held by the window {window} until {until}", "处于时间窗 {window} 内,静默至 {until}"),
    "told_to_nobody": ("route {route} says that nobody is told of it", "按路由 {route},不通知任何人"),
    "inhibited": (
        "inhibited by rule {rule}[ while {alertname} fires][ on {about}] ({origin}/{fingerprint})",
        "被规则 {rule} 抑制[:{alertname} 正在告警][,对象 {about}]({origin}/{fingerprint})",
    ),
    "heartbeat": ("the heartbeat of its source: it opens nothing while it is heard", "来源的心跳:收到时不产生事件"),
    # starts and ends that prove nothing
    "same_start": (
        "it has the start of a firing that had ended[ {after_s} s before][ ({how})], yet is live[; {then}]",
        "与已结束的触发开始时间相同[(相隔 {after_s} 秒)][({how})],但确实仍在告警[;{then}]",
    ),
    "same_start_after_end": (
        "told as firing after its end[ ({ended})], with the same start: held as suspect until its source says more",
        "结束[({ended})]之后又以相同开始时间上报:暂列为可疑,等待来源确认",
    ),
    "not_active_at_source": ("its source does not show it as active", "来源显示其已不再活动"),
    "not_seen_again": ("it was not told again: an old message", "未再上报:属于旧消息"),
    "seen_again": ("it was told again long after its end", "结束很久之后再次上报"),
    "resolved_again": ("its end was told once more: an old message", "再次收到结束:属于旧消息"),
    "fired_anew": ("a newer firing of it came", "已有新的一次触发"),
    "end_without_start": (
        "an end whose start was never told: it opens nothing[; {then}]",
        "只收到结束、未收到开始:不产生事件[;{then}]",
    ),
    "end_untold": ("a newer firing came: the end of this one was never told", "已有新的触发,本次的结束未被上报"),
    "incident_over": ("its incident is over and it fires on: it counts anew", "其事件已结束而告警仍在触发:重新计算"),
    "still_fires": ("it fires on though {incident} is over[; {then}]", "{incident} 已结束,告警仍在触发[;{then}]"),
    "expired": (
        "its sender did not tell it again before the end it had announced",
        "发送方未在其宣告的结束时间前再次上报",
    ),
    "pulled": ("its source shows it as active", "来源显示其处于活动状态"),
    "watchdog_missing": ("the heartbeat of the source is not heard", "未收到来源的心跳"),
    "watchdog_resolved": ("the source told that its heartbeat ended", "来源告知其心跳已结束"),
    # what became of a step
    "fallback": (
        "nobody else could be told, so the fallback was[: {told}]",
        "无其他人可通知,已通知后备人员[:{told}]",
    ),
    "paged": ("paged[ {told}]", "已通知[ {told}]"),
    "superseded": ("a higher step told the same people", "更高一级的步骤已通知相同人员"),
    "nobody": ("it reached nobody", "无人可通知"),
    "done": ("it was done, and tells nobody", "已执行,不通知任何人"),
    "acknowledged": ("acknowledged[ by {by}]", "[{by} ]已响应"),
    "unacknowledged": ("nobody had acknowledged the escalation", "升级尚无人确认"),
    "raised_unacknowledged": (
        "nobody of the level below had acknowledged the escalation",
        "下一级无人确认升级",
    ),
    "noted": ("[{by} ]has taken note", "[{by} ]已知悉"),
    "severity_raised": ("the severity was raised", "严重程度已提升"),
    "grew": ("it has grown since it was acknowledged[: {new}]", "确认后事件范围扩大[:{new}]"),
    "stops_in": ("the timetable stops while it is {state}", "处于 {state} 时时间表停止"),
    "regraded": ("the severity changed, the steps were planned anew", "级别变更,步骤重新安排"),
    "resolved": ("the incident is resolved", "事件已解决"),
    "cancelled": ("the incident is cancelled", "事件已取消"),
    "archived": ("the incident is archived", "事件已归档"),
    "received": ("their mail was received", "已收到其邮件"),
    "out_of_scope": ("the incident is out of scope", "事件不在服务范围内"),
    "snoozed": ("the incident is snoozed", "事件已暂缓"),
    # actions of known errors
    "action_waits": (
        "action {action} on {target} (run {run}) waits for approval",
        "对 {target} 的操作 {action}(编号 {run})待批准",
    ),
    "action_off": ("automation is switched off", "自动操作已关闭"),
    "action_unknown": ("the site does not allow {action}", "站点未允许操作 {action}"),
    "action_incident_over": ("the incident is over[ ({state})]", "事件已结束[({state})]"),
    "action_alert_over": ("its alert fires no more, or counts to another incident", "告警已不再触发,或已归入其他事件"),
    "action_not_asked": ("known error {known_error} asks for it no more", "已知错误 {known_error} 不再要求该操作"),
    "action_demoted": ("known error {known_error} has failed too often", "已知错误 {known_error} 多次无效"),
    "action_restricted": (
        "{items} is under its customer's rule[, and {of} carries it or stands in it]: nothing is run there by itself",
        "{items} 须遵守客户规定[,{of} 承载它或位于其中]:不得自动执行操作",
    ),
    "action_value_missing": ("the alert has no label {label}", "告警没有标签 {label}"),
    "action_value_refused": (
        "the value {value} of label {label} does not fit its pattern",
        "标签 {label} 的值 {value} 不符合规定的格式",
    ),
    "action_changed": (
        "what would be run has changed to {argv}: look at it again",
        "将执行的内容已变为 {argv}:请重新确认",
    ),
    "action_rate": (
        "{target} has had it {runs} time(s) within {within_s} s",
        "{within_s} 秒内已在 {target} 上执行 {runs} 次",
    ),
    "action_stop_rule": ("{reason}[ ({by})]", "{reason}[({by})]"),
    # why there is a problem
    "problem_person": ("a person opened it", "由人员提出"),
    "problem_major": ("it was a major incident[ (severity {severity})]", "属于重大事件[(级别 {severity})]"),
    "problem_workaround": ("it was solved by a workaround alone", "仅以临时措施解决"),
    "problem_cause_unknown": ("it was solved, and its cause is not known", "已解决,但根本原因未知"),
    "problem_unsolved": ("it could not be solved in time", "未能按期解决"),
    "problem_recurrence": (
        "{count} incidents of the same alert within {within_s} s",
        "{within_s} 秒内同一告警产生 {count} 个事件",
    ),
    "problem_trend": (
        "{count} incidents of category {category} within {within_s} s",
        "{within_s} 秒内类别 {category} 产生 {count} 个事件",
    ),
}
"""Why something is as it is: `why.code`."""


HAPPENED: Sentences = {
    "opened": (
        "opened with severity {severity}[, category {category}][, group {group}][, by rule {rule}][, by route {route}]"
        "[; told besides: {also}]",
        "建立事件,级别 {severity}[,类别 {category}][,组 {group}][,规则 {rule}][,路由 {route}][;同时告知 {also}]",
    ),
    "alerts_joined": (
        "joined[ ({count} alerts)]: {alerts}[; why: {why}]",
        "并入[({count} 个告警)]:{alerts}[;依据:{why}]",
    ),
    "alerts_ended": (
        "ended[ ({count} alerts)]: {alerts}[; why: {why}]",
        "结束[({count} 个告警)]:{alerts}[;依据:{why}]",
    ),
    "out_of_scope_proposed": ("proposed as out of scope: {why}", "建议不予受理:{why}"),
    "change_proposed": ("proposed as a request for change: {why}", "建议提出变更请求:{why}"),
    "service_affected": (
        "a service is affected: {alertname}[, by rule {rule}]",
        "服务受到影响:{alertname}[,规则 {rule}]",
    ),
    "fires_again": (
        "alert {alertname} fires again before the incident was resolved",
        "告警 {alertname} 在事件解决前再次触发",
    ),
    "level_changed": ("alert {alertname} went from {was} to {now}", "告警 {alertname} 由 {was} 变为 {now}"),
    "flapping": (
        "alert {alertname} is flapping: its end counts only after {hold_s} s",
        "告警 {alertname} 抖动:{hold_s} 秒后才视为结束",
    ),
    "service_restored": (
        "nothing of it fires any more; it counts as resolved[ at {resolves_at}] unless it fires again",
        "已无告警;若不再触发[,于 {resolves_at}]视为解决",
    ),
    "relapsed": (
        "it fires again: relapse {relapse}[; {assignee} has it]",
        "再次触发:第 {relapse} 次复发[;由 {assignee} 负责]",
    ),
    "source_silent": (
        "its source {origin} has fallen silent: no end is taken for true",
        "来源 {origin} 失去心跳:不再认定其恢复",
    ),
    "grew": (
        "it has grown[: {new}][; {assignee} is asked anew]",
        "范围扩大[:{new}][;请 {assignee} 重新确认]",
    ),
    "severity_raised": (
        "severity raised from {was} to {now}[ ({reason})][ by alert {alertname}][ with {merged}]",
        "级别由 {was} 升为 {now}[({reason})][,因告警 {alertname}][,因合并 {merged}]",
    ),
    "severity_lowered": ("severity lowered from {was} to {now}[ ({reason})]", "级别由 {was} 降为 {now}[({reason})]"),
    "acknowledged": ("acknowledged[; {assignee} has it]", "已响应[;由 {assignee} 负责]"),
    "acknowledged_too": ("acknowledged too[; {assignee} keeps it]", "也已响应[;仍由 {assignee} 负责]"),
    "escalation_acknowledged": ("took note of the escalation", "已知悉升级"),
    "assigned": (
        "assigned[ to {person}][ in group {group}][, recalled from {recalled_from}]",
        "分派[给 {person}][,组 {group}][,自 {recalled_from} 召回]",
    ),
    "returned": (
        "returned from {group}: {reason}[ (suggested: {suggested_group})]",
        "从 {group} 退回:{reason}[(建议:{suggested_group})]",
    ),
    "handed_over": ("handed over to {to}: {reason}", "移交给 {to}:{reason}"),
    "note": ("{text}[; next: {next_action}][; until {eta}]", "{text}[;下一步:{next_action}][;预计 {eta}]"),
    "suspended": ("waits for {for}: {reason}[; until {resume_at}]", "挂起,等待 {for}:{reason}[;至 {resume_at}]"),
    "attached": ("attached: {file}, {size} bytes", "已添加附件:{file},{size} 字节"),
    "not_attached": (
        "not attached, over the limit or empty: {file}, {size} bytes",
        "未添加附件(超出限制或为空):{file},{size} 字节",
    ),
    "resumed": ("work goes on[ after change {change}]", "恢复处理[(变更 {change} 之后)]"),
    "steps_held": ("its steps wait: {why}", "其步骤暂缓:{why}"),
    "snoozed": ("snoozed until {until}: {reason}", "暂缓至 {until}:{reason}"),
    "resolved": ("resolved ({type})[: {resolution}][; {note}]", "已解决({type})[:{resolution}][;{note}]"),
    "accepted": ("accepted by {by} via {via}", "{by} 已通过 {via} 确认"),
    "archived": (
        "archived with category {final_category}, severity {final_severity}",
        "归档,类别 {final_category},级别 {final_severity}",
    ),
    "rejected": ("rejected: {reason}", "被退回:{reason}"),
    "cancelled": ("cancelled: {reason}", "取消:{reason}"),
    "escalation_requested": ("escalation asked for: {reason}", "要求升级:{reason}"),
    "classified": ("category {now}[ (was {was})][, severity {severity}]", "类别 {now}[(原为 {was})][,级别 {severity}]"),
    "known_error_feedback": ("known error {known_error}: {outcome}", "已知错误 {known_error}:{outcome}"),
    "known_error_demoted": (
        "known error {known_error} is no more put forward: it did not work {failures} times",
        "已知错误 {known_error} 不再推荐:已有 {failures} 次无效",
    ),
    "known_error_reinstated": (
        "known error {known_error} is put forward again",
        "已知错误 {known_error} 恢复推荐",
    ),
    "known_errors_written": ("a known error was written that fits: {ids}", "新写入的已知错误与之相符:{ids}"),
    "known_errors_suggested": ("known errors found by their words: {ids}", "按文字找到已知错误:{ids}"),
    "action_proposed": (
        "action {action} is proposed for {target} as run {run}[; {approve} may approve it]: {argv}",
        "建议对 {target} 执行操作 {action}(编号 {run})[;由 {approve} 批准]:{argv}",
    ),
    "action_refused": (
        "action {action} of known error {known_error} is not proposed: {why}",
        "不建议执行已知错误 {known_error} 的操作 {action}:{why}",
    ),
    "action_approved": (
        "approved action {action} on {target}[: {reason}]: {argv}",
        "批准对 {target} 执行操作 {action}[:{reason}]:{argv}",
    ),
    "action_declined": (
        "declined action {action} on {target}[: {reason}]",
        "否决对 {target} 的操作 {action}[:{reason}]",
    ),
    "action_stopped": ("action {action} on {target} was not run: {why}", "未对 {target} 执行操作 {action}:{why}"),
    "action_expired": ("action {action} on {target} is needed no more", "不再需要对 {target} 执行操作 {action}"),
    "action_dry_run": (
        "dry run of action {action} on {target}: {argv} would be run",
        "试运行:将对 {target} 执行操作 {action}:{argv}",
    ),
    "action_started": ("action {action} on {target} is run: {argv}", "开始对 {target} 执行操作 {action}:{argv}"),
    "action_succeeded": ("action {action} on {target} succeeded", "对 {target} 的操作 {action} 执行成功"),
    "action_failed": (
        "action {action} on {target} failed[ (exit code {exit_code})][: {error}]",
        "对 {target} 的操作 {action} 失败[(退出码 {exit_code})][:{error}]",
    ),
    "action_timed_out": (
        "action {action} on {target} took too long and was ended",
        "对 {target} 的操作 {action} 超时,已终止",
    ),
    "action_unknown_end": (
        "Tocsin stopped while action {action} ran on {target}: whether it was done is not known; it is not run again",
        "执行操作 {action}(目标 {target})时 Tocsin 中断:结果未知,不会自动重试",
    ),
    "action_verified": (
        "after action {action} on {target} the alert has ended",
        "对 {target} 执行操作 {action} 后告警已结束",
    ),
    "action_not_verified": (
        "after action {action} on {target} the alert still fires",
        "对 {target} 执行操作 {action} 后告警仍在触发",
    ),
    "out_of_scope": ("out of scope: {reason}", "不在服务范围内:{reason}"),
    "to_sales": ("handed to sales for a decision", "转销售决定"),
    "sales_decided": ("sales decided (accepted: {accept}): {reason}", "销售决定(接受:{accept}):{reason}"),
    "replanned": ("planned anew by the timetable now in force", "按现行时间表重新安排"),
    "root_set": ("the root is {alertname}[: {reason}]", "根源为 {alertname}[:{reason}]"),
    "storm_began": (
        "an alert storm[ in {place}]: {count} incidents opened at once; what nothing explains joins this one",
        "告警风暴[({place})]:短时间内产生 {count} 个事件;无法解释的告警并入本事件",
    ),
    "storm_digest": (
        "the storm goes on: {count} more alerts[ ({kinds})][, about {items}]; {firing} fire now"
        "[; opened by themselves: {let_out}]",
        "告警风暴仍在持续:新增 {count} 个告警[({kinds})][,涉及 {items}];目前 {firing} 个正在告警"
        "[;单独建立的事件:{let_out}]",
    ),
    "storm_over": (
        "the storm is over: {count} more alerts[ ({kinds})][, about {items}]; {firing} fire still"
        "[; opened by themselves: {let_out}]",
        "告警风暴已结束:新增 {count} 个告警[({kinds})][,涉及 {items}];仍有 {firing} 个在告警"
        "[;单独建立的事件:{let_out}]",
    ),
    "confirmed": ("said that this grouping is right[ ({alerts} alerts)]", "确认此归组正确[(告警 {alerts} 个)]"),
    "split": ("split off: {alerts}", "已拆分:{alerts}"),
    "split_from": ("split from {number}", "从 {number} 拆分而来"),
    "merged": ("merged into {into}", "合并入 {into}"),
    "merged_in": ("{number} was merged into this", "{number} 已合并到本事件"),
    "edited": ("the record was completed: {fields}", "补充记录:{fields}"),
    "linked": ("linked with {kind} {target}", "关联 {kind} {target}"),
    "problem_opened": ("problem {problem} was opened[ ({origin})]", "已建立问题 {problem}[({origin})]"),
    "problem_proposed": ("problem {problem} is proposed[ ({origin})]", "建议建立问题 {problem}[({origin})]"),
    "problem_acted": (
        "problem {problem} is {state}[: {reason}][; cause: {root_cause}][; workaround: {workaround}]"
        "[; solution: {solution}]",
        "问题 {problem} 状态 {state}[:{reason}][;原因:{root_cause}][;临时措施:{workaround}][;解决方案:{solution}]",
    ),
    "change_raised": (
        "change {number} was raised: {title}[; risk: {risk}]",
        "提出变更请求 {number}:{title}[;风险:{risk}]",
    ),
    "change_acted": (
        "change {change} is {state}[: {reason}][: {note}]",
        "变更 {change} 状态 {state}[:{reason}][:{note}]",
    ),
    "item_changed": (
        "configuration item {item} changed: {changes}; {reason}",
        "配置项 {item} 已更新:{changes};{reason}",
    ),
    "rule_confirmed": ("confirmed the customer's rules for {items}[: {rules}]", "已确认 {items} 的客户规定[:{rules}]"),
    "major_declared": (
        "declared a major incident[ with severity {severity}][: {reason}]",
        "宣布为重大事件[,级别 {severity}][:{reason}]",
    ),
    "commander_named": ("in command: {roles}", "指挥:{roles}"),
    "brief_written": ("wrote into the special brief: {fields}", "补充专报:{fields}"),
    "reviewed": (
        "reviewed: the cause is {cause}; actions: {actions}[; lessons: {lessons}]",
        "已评审:原因 {cause};措施:{actions}[;经验:{lessons}]",
    ),
    "vendor_called": (
        "called vendor {vendor}[ (ticket {ticket})]: {note}[; its answer is due at {response_due_at}]"
        "[; its solution is due at {resolve_due_at}]",
        "已联系厂商 {vendor}[(单号 {ticket})]:{note}[;应答期限 {response_due_at}][;解决期限 {resolve_due_at}]",
    ),
    "recall_proposed": (
        "everybody is busy: {person} might be recalled from {incident}",
        "人员均忙:建议从 {incident} 召回 {person}",
    ),
    "recalled": (
        "{person} was recalled for {for}: {reason}",
        "{person} 已被召回处理 {for}:{reason}",
    ),
    "desk_informed": (
        "the desk is informed[: vendor {vendor} was called][: the severity is {severity}]"
        "[: {wrote} has written][: tell {reporter} that it is out of scope][: handed over to {handed_to}]"
        "[: {persists}, which it repeats, persists]",
        "已告知服务台[:已联系厂商 {vendor}][:严重程度为 {severity}][:{wrote} 来信]"
        "[:请告知 {reporter} 不予受理][:已移交 {handed_to}][:其所重复的 {persists} 仍然存在]",
    ),
    "breach_expected": (
        "not expected to be resolved by {due_at}[: the estimate is {eta}][: nothing was written since {silent_since}]; "
        "step {step} comes now",
        "预计无法在 {due_at} 前解决[:预计完成 {eta}][:自 {silent_since} 起无更新];立即执行步骤 {step}",
    ),
    "customer_told": ("customer {customer} was told ({notice})", "已通知客户 {customer}({notice})"),
    "customer_not_told": ("customer {customer} was not told: {by} held it", "未通知客户 {customer}:{by} 已拦截"),
    "notice_held": ("held back what customer {customer} was to be told", "拦截发给客户 {customer} 的通知"),
    "notice_released": ("released what customer {customer} is to be told", "放行发给客户 {customer} 的通知"),
    "notice_edited": ("wrote what customer {customer} is to be told", "改写发给客户 {customer} 的通知"),
    "vendor_proposed": ("a vendor might be called[: {vendors}]", "建议联系厂商[:{vendors}]"),
    "brief_drafted": ("the special brief is drafted[; to be verified: {missing}]", "专报已起草[;待核实:{missing}]"),
    "called_back": (
        "called back: reached: {reached}[; score {score}]; persists: {persists}[; {remark}]",
        "回访:接通 {reached}[;评分 {score}];问题仍存在 {persists}[;{remark}]",
    ),
    "reopened": ("it persists: work starts again", "问题仍存在:重新开始处理"),
    "unsatisfied": ("score {score}: one level up is told", "评分 {score}:向上一级报告"),
    "clock_adopted": (
        "the wall clock was put right by {shift_s} s: its moments were moved along",
        "系统时钟已校正 {shift_s} 秒:其各时刻随之调整",
    ),
    "calendar_changed": (
        "the calendar {calendar} was changed: its moments are counted anew",
        "日历 {calendar} 已更改:其各时刻已重新计算",
    ),
    "step": (
        "step {step}: {outcome}[; told {told}][; nobody holds {holes}][; did {did}]",
        "步骤 {step}:{outcome}[;已通知 {told}][;无人担任 {holes}][;执行 {did}]",
    ),
    "page_sent": ("step {step}: {person} was told by {notifier}", "步骤 {step}:已通过 {notifier} 通知 {person}"),
    "page_failed": (
        "step {step}: {person} could not be told by {notifier}[: {reason}]",
        "步骤 {step}:无法通过 {notifier} 通知 {person}[:{reason}]",
    ),
    "fell_back": (
        "step {step}: no channel reaches {person}[; told instead: {to}]",
        "步骤 {step}:无法联系 {person}[;改为通知:{to}]",
    ),
}
"""What happened to an incident: the kinds of its timeline."""


OUTCOMES_ZH = {
    "paged": "已通知",
    "fallback": "已通知备用人员",
    "superseded": "已被后续步骤取代",
    "nobody": "无人可通知",
    "done": "已执行",
    "cancelled": "已取消",
    "used": "有效",
    "helped_partly": "部分有效",
    "did_not_work": "无效",
    "not_applicable": "不适用",
}
"""Of a step, and of a known error that was tried."""


YES_NO = (("no", "yes"), ("否", "是"))


EVIDENCE: Sentences = {
    "topology": ("what depends on what", "依赖关系"),
    "rule": ("a join rule", "合并规则"),
    "history": ("it was there before", "此前属于该事件"),
    "learned": ("what came together before", "以往同时出现"),
    "source_group": ("one group of its source", "来源的同一分组"),
    "text": ("words alike", "文字相近"),
}


_NO_KIND = ("other", "alone")
SAYS_NOTHING: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "likely_root": {"signal": _NO_KIND, "reach": (0,), "after_s": (0,), "same_name": (0, 1)},
    "stands_on": {"signal": _NO_KIND},
    "same_item": {"signal": _NO_KIND},
    "unwritten": {"signal": _NO_KIND},
    "no_known_error": {"count": (0,)},
    "no_known_error_yet": {"count": (0,)},
    "alerts_joined": {"count": (1,)},
    "alerts_ended": {"count": (1,)},
}
