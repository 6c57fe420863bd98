"""Why something is as it is: the sentence of each reason's code, in both languages; facts stand in braces."""

from escalation.words import Catalogue

REASONS: Catalogue = {
    # where an alert belongs
    "none": ("nothing is known of it", "没有记录原因"),
    "first_of_incident": (
        "no open incident took it in, so it opened this one[ (classified by rule {rule})]",
        "没有可并入的事件，因此新建事件[（按规则 {rule} 分类）]",
    ),
    "no_known_error": (
        "no known error fits[; solved incidents that resemble it: {count}]",
        "没有匹配的已知错误[；有 {count} 个相近的已解决事件]",
    ),
    "no_known_error_yet": (
        "no known error yet: they are still looked through[; solved incidents that resemble it: {count}]",
        "暂无已知错误，仍在查找[；有 {count} 个相近的已解决事件]",
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
        "报告时间不在合同 {contract} 的服务时段（{hours}）内",
    ),
    "kind_is_change": ("it is of the kind {kind}", "其性质为 {kind}"),
    "category_is_change": ("{category} is a category of changes", "{category} 属于变更类别"),
    "join_rule": ("joined by rule {rule}: it has the same {labels}", "按规则 {rule} 并入：{labels} 相同"),
    "same_alert": (
        "the same alert at another threshold[ (severity {severity})]",
        "同一告警的另一阈值[（severity {severity}）]",
    ),
    "fired_again": ("it fired again: its incident is {incident}", "再次触发：仍属事件 {incident}"),
    "window_over": (
        "{incident} would have taken it in, but it came {late_s} after its last alert: the window is over",
        "本可并入 {incident}，但距其最后一个告警已 {late_s}，超出时间窗",
    ),
    "stands_on": (
        "{alertname} of {item}[ ({signal})] explains it: {about} depends on {item}[ (certainty {weight})]",
        "{item} 的 {alertname}[（{signal}）]可解释它：{about} 依赖于 {item}[（可信度 {weight}）]",
    ),
    "unwritten": (
        "{alertname} of {item}[ ({signal})] explains it by kind, place and time[ (certainty {weight})]: nobody has "
        "written what it stands on; topology.yaml makes it sure",
        "{item} 的 {alertname}[（{signal}）]按类型、地点和时间可解释它[（可信度 {weight}）]："
        "没有人写明它依赖于什么；写入 topology.yaml 即可确定",
    ),
    "unwritten_effect": (
        "it explains {alertname} of {item}, which came first, by kind, place and time[ (certainty {weight})]: nobody "
        "has written what that stands on; topology.yaml makes it sure",
        "按类型、地点和时间，它可解释先到的 {item} 的 {alertname}[（可信度 {weight}）]："
        "没有人写明后者依赖于什么；写入 topology.yaml 即可确定",
    ),
    "unwritten_better": (
        "moved here from {from}: {alertname} of {item} explains it better by kind, place and time[ (certainty {weight})"
        "]: nobody has written what it stands on; topology.yaml makes it sure",
        "从 {from} 移入：{item} 的 {alertname} 按类型、地点和时间更能解释它[（可信度 {weight}）]："
        "没有人写明它依赖于什么；写入 topology.yaml 即可确定",
    ),
    "same_item": (
        "{alertname} of the same {item}[ ({signal})] explains it[ (certainty {weight})]",
        "同一 {item} 的 {alertname}[（{signal}）]可解释它[（可信度 {weight}）]",
    ),
    "brought_about": (
        "it explains {alertname} of {item}, which came first[ (certainty {weight})]",
        "它可解释先到的 {item} 的 {alertname}[（可信度 {weight}）]",
    ),
    "better_cause": (
        "moved here from {from}: {alertname} of {item} explains it better[ (certainty {weight})]",
        "从 {from} 移入：{item} 的 {alertname} 更能解释它[（可信度 {weight}）]",
    ),
    "source_group": (
        "its source told it in one group with others, and they read alike[ (certainty {weight})]",
        "来源将其与其他告警归为一组，且文字相近[（可信度 {weight}）]",
    ),
    "similar_text": (
        "it reads like the others ({alertname}), and its source told them in one group[ (certainty {weight})]",
        "与其他告警（{alertname}）文字相近，且来源将其归为一组[（可信度 {weight}）]",
    ),
    "evidence_short": (
        "{incident} came nearest, with certainty {weight} of the {needed} needed[ ({evidence})]",
        "最接近的是 {incident}，可信度 {weight}，需 {needed}[（{evidence}）]",
    ),
    "learned": (
        "such alerts came together with {alertname} in {times} confirmed incidents of late[ ({incidents})]",
        "此类告警近来在 {times} 个已确认的事件中与 {alertname} 同时出现[（{incidents}）]",
    ),
    "wave": (
        "{count} items[ on {on}] told of {alertname} within moments: one trouble, unless something explains it better"
        "[; moved from {from}]",
        "[{on} 上的 ]{count} 个对象几乎同时出现 {alertname}：视为同一故障，除非另有更好的解释[；由 {from} 移入]",
    ),
    "storm": (
        "it came in a storm of alerts[ in {place}], and nothing else explains it[; moved from {from}]",
        "属于[ {place} 的]告警风暴，无其他原因可解释[；由 {from} 移入]",
    ),
    "let_out": (
        "{incident} is a storm of alerts[ in {place}]; a critical alert of a kind new to it may be another trouble, so "
        "it stays apart: `merge` it where it is not",
        "{incident} 是[ {place} 的]告警风暴；其中未见过的严重告警可能是另一故障，故单独处理：若非如此请合并（`merge`）",
    ),
    "kept_apart": (
        "not {incident}, which it would have joined: {by} split such alerts of {place} from each other in {split}; "
        "until {until} they are joined by hand alone",
        "未并入本可并入的 {incident}：{by} 曾在 {split} 中将 {place} 的此类告警拆分；{until} 之前仅可人工合并",
    ),
    "likely_root": (
        "the likely root[: {signal}][, severity {severity}][; {reach} of {of} others came of it]"
        "[; it began {after_s} after the first][ (its rule waits {for_s})][; alerts of its name: {same_name}]",
        "可能的根源[：{signal}][，级别 {severity}][；其余 {of} 个中有 {reach} 个由其引起][；在首个告警之后 "
        "{after_s}开始][（其规则等待 {for_s}）][；同名告警 {same_name} 个]",
    ),
    "root_as_taught": (
        "people named an alert of this kind as the root in {times} incidents like it (last in {incident}, by {by}), "
        "and not {instead}",
        "在 {times} 个类似事件中，人员指定此类告警为根源（最近为 {incident}，由 {by} 指定），而非 {instead}",
    ),
    "merged": ("moved here when {from} was merged in", "因 {from} 合并而移入"),
    "split": ("moved here when it was split from {from}", "从 {from} 拆分而来"),
    "earliest": ("it started first", "它最早开始"),
    "person": ("[{by} ]said so[: {reason}]", "[{by} ]指定[：{reason}]"),
    "timetable": ("a step of the timetable[ ({step})] makes it so", "由时间表步骤[（{step}）]决定"),
    "severity": ("its severity[ ({severity})] makes it so", "由其级别[（{severity}）]决定"),
    # why it was held back
    "silenced": ("silenced by {by} until {until}", "被 {by} 静默至 {until}"),
    "in_window": ("held by the window {window} until {until}", "处于时间窗 {window} 内，静默至 {until}"),
    "told_to_nobody": ("route {route} says that nobody is told of it", "按路由 {route}，不通知任何人"),
    "inhibited": (
        "inhibited by rule {rule}[ while {alertname} fires][ on {about}] ({origin}/{fingerprint})",
        "被规则 {rule} 抑制[：{alertname} 正在告警][，对象 {about}]（{origin}/{fingerprint}）",
    ),
    "heartbeat": ("the heartbeat of its source: it opens nothing while it is heard", "来源的心跳：收到时不产生事件"),
    # starts and ends that prove nothing
    "same_start": (
        "it has the start of a firing that had ended[ {after_s} before][ ({how})], yet is live[; {then}]",
        "与已结束的触发开始时间相同[（相隔 {after_s}）][（{how}）]，但确实仍在告警[；{then}]",
    ),
    "same_start_after_end": (
        "told as firing after its end[ ({ended})], with the same start: held as suspect until its source says more",
        "结束[（{ended}）]之后又以相同开始时间上报：暂列为可疑，等待来源确认",
    ),
    "not_active_at_source": ("its source does not show it as active", "来源显示其已不再活动"),
    "not_seen_again": ("it was not told again: an old message", "未再上报：属于旧消息"),
    "seen_again": ("it was told again long after its end", "结束很久之后再次上报"),
    "resolved_again": ("its end was told once more: an old message", "再次收到结束：属于旧消息"),
    "fired_anew": ("a newer firing of it came", "已有新的一次触发"),
    "end_without_start": (
        "an end whose start was never told: it opens nothing[; {then}]",
        "只收到结束、未收到开始：不产生事件[；{then}]",
    ),
    "end_untold": ("a newer firing came: the end of this one was never told", "已有新的触发，本次的结束未被上报"),
    "incident_over": ("its incident is over and it fires on: it counts anew", "其事件已结束而告警仍在触发：重新计算"),
    "still_fires": ("it fires on though {incident} is over[; {then}]", "{incident} 已结束，告警仍在触发[；{then}]"),
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
        "无其他人可通知，已通知后备人员[：{told}]",
    ),
    "paged": ("paged[ {told}]", "已通知[ {told}]"),
    "superseded": ("a higher step told the same people", "更高一级的步骤已通知相同人员"),
    "nobody": ("it reached nobody", "无人可通知"),
    "done": ("it was done, and tells nobody", "已执行，不通知任何人"),
    "acknowledged": ("acknowledged[ by {by}]", "[{by} ]已响应"),
    "unacknowledged": ("nobody had acknowledged the escalation", "升级尚无人确认"),
    "raised_unacknowledged": (
        "nobody of the level below had acknowledged the escalation",
        "下一级无人确认升级",
    ),
    "noted": ("[{by} ]has taken note", "[{by} ]已知悉"),
    "severity_raised": ("the severity was raised", "严重程度已提升"),
    "grew": ("it has grown since it was acknowledged[: {new}]", "确认后事件范围扩大[：{new}]"),
    "stops_in": ("the timetable stops while it is {state}", "处于 {state} 时时间表停止"),
    "regraded": ("the severity changed, the steps were planned anew", "级别变更，步骤重新安排"),
    "resolved": ("the incident is resolved", "事件已解决"),
    "cancelled": ("the incident is cancelled", "事件已取消"),
    "archived": ("the incident is archived", "事件已归档"),
    "received": ("their mail was received", "已收到其邮件"),
    "out_of_scope": ("the incident is out of scope", "事件不在服务范围内"),
    "snoozed": ("the incident is snoozed", "事件已暂缓"),
    # actions of known errors
    "action_waits": (
        "action {action} on {target} (run {run}) waits for approval",
        "对 {target} 的操作 {action}（编号 {run}）待批准",
    ),
    "action_off": ("automation is switched off", "自动操作已关闭"),
    "action_unknown": ("the site does not allow {action}", "站点未允许操作 {action}"),
    "action_incident_over": ("the incident is over[ ({state})]", "事件已结束[（{state}）]"),
    "action_alert_over": ("its alert fires no more, or counts to another incident", "告警已不再触发，或已归入其他事件"),
    "action_not_asked": ("known error {known_error} asks for it no more", "已知错误 {known_error} 不再要求该操作"),
    "action_demoted": ("known error {known_error} has failed too often", "已知错误 {known_error} 多次无效"),
    "action_restricted": (
        "{items} is under its customer's rule[, and {of} carries it or stands in it]: nothing is run there by itself",
        "{items} 须遵守客户规定[，{of} 承载它或位于其中]：不得自动执行操作",
    ),
    "action_value_missing": ("the alert has no label {label}", "告警没有标签 {label}"),
    "action_value_refused": (
        "the value {value} of label {label} does not fit its pattern",
        "标签 {label} 的值 {value} 不符合规定的格式",
    ),
    "action_changed": (
        "what would be run has changed to {argv}: look at it again",
        "将执行的内容已变为 {argv}：请重新确认",
    ),
    "action_rate": (
        "{target} has had it {runs} time(s) within {within_s}",
        "{within_s}内已在 {target} 上执行 {runs} 次",
    ),
    "action_stop_rule": ("{reason}[ ({by})]", "{reason}[（{by}）]"),
    # why there is a problem
    "problem_person": ("a person opened it", "由人员提出"),
    "problem_major": ("it was a major incident[ (severity {severity})]", "属于重大事件[（级别 {severity}）]"),
    "problem_workaround": ("it was solved by a workaround alone", "仅以临时措施解决"),
    "problem_cause_unknown": ("it was solved, and its cause is not known", "已解决，但根本原因未知"),
    "problem_unsolved": ("it could not be solved in time", "未能按期解决"),
    "problem_recurrence": (
        "{count} incidents of the same alert within {within_s}",
        "{within_s}内同一告警产生 {count} 个事件",
    ),
    "problem_trend": (
        "{count} incidents of category {category} within {within_s}",
        "{within_s}内类别 {category} 产生 {count} 个事件",
    ),
}
"""Why something is as it is: `why.code`."""
