"""What happened to an incident: the sentence of each kind of its timeline, in both languages; facts stand in braces."""

from escalation.words import Catalogue

HAPPENED: Catalogue = {
    "opened": (
        "opened with severity {severity}[, category {category}][, group {group}][, by rule {rule}][, by route {route}]"
        "[; told besides: {also}]",
        "建立事件，级别 {severity}[，类别 {category}][，组 {group}][，规则 {rule}][，路由 {route}][；同时告知 {also}]",
    ),
    "alerts_joined": (
        "joined[ ({count} alerts)]: {alerts}[; why: {why}]",
        "并入[（{count} 个告警）]：{alerts}[；依据：{why}]",
    ),
    "alerts_ended": (
        "ended[ ({count} alerts)]: {alerts}[; why: {why}]",
        "结束[（{count} 个告警）]：{alerts}[；依据：{why}]",
    ),
    "out_of_scope_proposed": ("proposed as out of scope: {why}", "建议不予受理：{why}"),
    "change_proposed": ("proposed as a request for change: {why}", "建议提出变更请求：{why}"),
    "service_affected": (
        "a service is affected: {alertname}[, by rule {rule}]",
        "服务受到影响：{alertname}[，规则 {rule}]",
    ),
    "fires_again": (
        "alert {alertname} fires again before the incident was resolved",
        "告警 {alertname} 在事件解决前再次触发",
    ),
    "level_changed": ("alert {alertname} went from {was} to {now}", "告警 {alertname} 由 {was} 变为 {now}"),
    "flapping": (
        "alert {alertname} is flapping: its end counts only after {hold_s}",
        "告警 {alertname} 抖动：{hold_s}后才视为结束",
    ),
    "service_restored": (
        "nothing of it fires any more; it counts as resolved[ at {resolves_at}] unless it fires again",
        "已无告警；若不再触发[，于 {resolves_at} ]视为解决",
    ),
    "relapsed": (
        "it fires again: relapse {relapse}[; {assignee} has it]",
        "再次触发：第 {relapse} 次复发[；由 {assignee} 负责]",
    ),
    "untold": (
        "its alerts have not been told again since {since}, and its sender cannot be asked: look whether it is over, "
        "and resolve it (service_restored_at) or see to the sender; its timetable goes on",
        "自 {since} 起未再收到其告警，且无法向来源查询："
        "请核实是否已恢复，予以解决（service_restored_at）或检查来源；升级计时继续",
    ),
    "told_again": ("its alerts are told again", "其告警再次上报"),
    "source_silent": (
        "its source {origin} has fallen silent: no end is taken for true",
        "来源 {origin} 失去心跳：不再认定其恢复",
    ),
    "grew": (
        "it has grown[: {new}][; {assignee} is asked anew]",
        "范围扩大[：{new}][；请 {assignee} 重新确认]",
    ),
    "severity_raised": (
        "severity raised from {was} to {now}[ ({reason})][ by alert {alertname}][ with {merged}]",
        "级别由 {was} 升为 {now}[（{reason}）][，因告警 {alertname}][，因合并 {merged}]",
    ),
    "severity_lowered": ("severity lowered from {was} to {now}[ ({reason})]", "级别由 {was} 降为 {now}[（{reason}）]"),
    "acknowledged": ("acknowledged[; {assignee} has it]", "已响应[；由 {assignee} 负责]"),
    "acknowledged_too": ("acknowledged too[; {assignee} keeps it]", "也已响应[；仍由 {assignee} 负责]"),
    "escalation_acknowledged": ("took note of the escalation", "已知悉升级"),
    "assigned": (
        "assigned[ to {person}][ in group {group}][, recalled from {recalled_from}]",
        "分派[给 {person}][，组 {group}][，自 {recalled_from} 召回]",
    ),
    "returned": (
        "returned from {group}: {reason}[ (suggested: {suggested_group})]",
        "从 {group} 退回：{reason}[（建议：{suggested_group}）]",
    ),
    "handed_over": ("handed over to {to}: {reason}", "移交给 {to}：{reason}"),
    "note": ("{text}[; next: {next_action}][; until {eta}]", "{text}[；下一步：{next_action}][；预计 {eta}]"),
    "suspended": ("waits for {for}: {reason}[; until {resume_at}]", "挂起，等待 {for}：{reason}[；至 {resume_at}]"),
    "attached": ("attached: {file}, {size} bytes", "已添加附件：{file}，{size} 字节"),
    "not_attached": (
        "not attached, over the limit or empty: {file}, {size} bytes",
        "未添加附件（超出限制或为空）：{file}，{size} 字节",
    ),
    "resumed": ("work goes on[ after change {change}]", "恢复处理[（变更 {change} 之后）]"),
    "steps_held": ("its steps wait: {why}", "其步骤暂缓：{why}"),
    "recovery_not_told": (
        "that it recovered by itself was told to nobody: {why}",
        "其自行恢复未通知任何人：{why}",
    ),
    "snoozed": ("snoozed until {until}: {reason}", "暂缓至 {until}：{reason}"),
    "resolved": ("resolved ({type})[: {resolution}][; {note}]", "已解决（{type}）[：{resolution}][；{note}]"),
    "accepted": ("accepted by {by} via {via}", "{by} 已通过 {via} 确认"),
    "archived": (
        "archived with category {final_category}, severity {final_severity}",
        "归档，类别 {final_category}，级别 {final_severity}",
    ),
    "rejected": ("rejected: {reason}", "被退回：{reason}"),
    "cancelled": ("cancelled: {reason}", "取消：{reason}"),
    "escalation_requested": ("escalation asked for: {reason}", "要求升级：{reason}"),
    "classified": (
        "category {now}[ (was {was})][, severity {severity}]",
        "类别 {now}[（原为 {was}）][，级别 {severity}]",
    ),
    "known_error_feedback": ("known error {known_error}: {outcome}", "已知错误 {known_error}：{outcome}"),
    "known_error_demoted": (
        "known error {known_error} is no more put forward: it did not work {failures} times",
        "已知错误 {known_error} 不再推荐：已有 {failures} 次无效",
    ),
    "known_error_reinstated": (
        "known error {known_error} is put forward again",
        "已知错误 {known_error} 恢复推荐",
    ),
    "known_errors_written": ("a known error was written that fits: {ids}", "新写入的已知错误与之相符：{ids}"),
    "known_errors_gone": (
        "known errors that fitted only what is split off: {ids}",
        "仅与拆分出去的告警相符、已移除的已知错误：{ids}",
    ),
    "known_errors_suggested": ("known errors found by their words: {ids}", "按文字找到已知错误：{ids}"),
    "action_proposed": (
        "action {action} is proposed for {target} as run {run}[; {approve} may approve it]: {argv}",
        "建议对 {target} 执行操作 {action}（编号 {run}）[；由 {approve} 批准]：{argv}",
    ),
    "action_refused": (
        "action {action} of known error {known_error} is not proposed: {why}",
        "不建议执行已知错误 {known_error} 的操作 {action}：{why}",
    ),
    "action_approved": (
        "approved action {action} on {target}[: {reason}]: {argv}",
        "批准对 {target} 执行操作 {action}[：{reason}]：{argv}",
    ),
    "action_declined": (
        "declined action {action} on {target}[: {reason}]",
        "否决对 {target} 的操作 {action}[：{reason}]",
    ),
    "action_stopped": ("action {action} on {target} was not run: {why}", "未对 {target} 执行操作 {action}：{why}"),
    "action_expired": ("action {action} on {target} is needed no more", "不再需要对 {target} 执行操作 {action}"),
    "action_dry_run": (
        "dry run of action {action} on {target}: {argv} would be run",
        "试运行：将对 {target} 执行操作 {action}：{argv}",
    ),
    "action_started": ("action {action} on {target} is run: {argv}", "开始对 {target} 执行操作 {action}：{argv}"),
    "action_succeeded": ("action {action} on {target} succeeded", "对 {target} 的操作 {action} 执行成功"),
    "action_failed": (
        "action {action} on {target} failed[ (exit code {exit_code})][: {error}]",
        "对 {target} 的操作 {action} 失败[（退出码 {exit_code}）][：{error}]",
    ),
    "action_timed_out": (
        "action {action} on {target} took too long and was ended",
        "对 {target} 的操作 {action} 超时，已终止",
    ),
    "action_unknown_end": (
        "Tocsin stopped while action {action} ran on {target}: whether it was done is not known; it is not run again",
        "执行操作 {action}（目标 {target}）时 Tocsin 中断：结果未知，不会自动重试",
    ),
    "action_verified": (
        "after action {action} on {target} the alert has ended",
        "对 {target} 执行操作 {action} 后告警已结束",
    ),
    "action_not_verified": (
        "after action {action} on {target} the alert still fires",
        "对 {target} 执行操作 {action} 后告警仍在触发",
    ),
    "out_of_scope": ("out of scope: {reason}", "不在服务范围内：{reason}"),
    "to_sales": ("handed to sales for a decision", "转销售决定"),
    "sales_decided": ("sales decided (accepted: {accept}): {reason}", "销售决定（接受：{accept}）：{reason}"),
    "replanned": ("planned anew by the timetable now in force", "按现行时间表重新安排"),
    "root_set": ("the root is {alertname}[: {reason}]", "根源为 {alertname}[：{reason}]"),
    "storm_began": (
        "an alert storm[ in {place}]: {count} incidents opened at once; what nothing explains joins this one",
        "告警风暴[（{place}）]：短时间内产生 {count} 个事件；无法解释的告警并入本事件",
    ),
    "storm_digest": (
        "the storm goes on: {count} more alerts[ ({kinds})][, about {items}]; {firing} fire now"
        "[; opened by themselves: {let_out}]",
        "告警风暴仍在持续：新增 {count} 个告警[（{kinds}）][，涉及 {items}]；目前 {firing} 个正在告警"
        "[；单独建立的事件：{let_out}]",
    ),
    "storm_over": (
        "the storm is over: {count} more alerts[ ({kinds})][, about {items}]; {firing} fire still"
        "[; opened by themselves: {let_out}]",
        "告警风暴已结束：新增 {count} 个告警[（{kinds}）][，涉及 {items}]；仍有 {firing} 个在告警"
        "[；单独建立的事件：{let_out}]",
    ),
    "confirmed": ("said that this grouping is right[ ({alerts} alerts)]", "确认此归组正确[（告警 {alerts} 个）]"),
    "split": ("split off: {alerts}", "已拆分：{alerts}"),
    "renamed": (
        "called “{title}” from now on: what it was called by is split off (“{was}”)",
        "现改称“{title}”：原标题“{was}”所指的告警已拆分出去",
    ),
    "split_from": ("split from {number}", "从 {number} 拆分而来"),
    "merged": ("merged into {into}", "合并入 {into}"),
    "merged_in": ("{number} was merged into this", "{number} 已合并到本事件"),
    "edited": ("the record was completed: {fields}", "补充记录：{fields}"),
    "linked": ("linked with {kind} {target}", "关联 {kind} {target}"),
    "problem_opened": ("problem {problem} was opened[ ({origin})]", "已建立问题 {problem}[（{origin}）]"),
    "problem_proposed": ("problem {problem} is proposed[ ({origin})]", "建议建立问题 {problem}[（{origin}）]"),
    "problem_acted": (
        "problem {problem} is {state}[: {reason}][; cause: {root_cause}][; workaround: {workaround}]"
        "[; solution: {solution}]",
        "问题 {problem} 状态 {state}[：{reason}][；原因：{root_cause}][；临时措施：{workaround}]"
        "[；解决方案：{solution}]",
    ),
    "change_raised": (
        "change {number} was raised: {title}[; risk: {risk}]",
        "提出变更请求 {number}：{title}[；风险：{risk}]",
    ),
    "change_acted": (
        "change {change} is {state}[: {reason}][: {note}]",
        "变更 {change} 状态 {state}[：{reason}][：{note}]",
    ),
    "item_changed": (
        "configuration item {item} changed: {changes}; {reason}",
        "配置项 {item} 已更新：{changes}；{reason}",
    ),
    "rule_confirmed": ("confirmed the customer's rules for {items}[: {rules}]", "已确认 {items} 的客户规定[：{rules}]"),
    "major_declared": (
        "declared a major incident[ with severity {severity}][: {reason}]",
        "宣布为重大事件[，级别 {severity}][：{reason}]",
    ),
    "commander_named": ("in command: {roles}", "指挥：{roles}"),
    "brief_written": ("wrote into the special brief: {fields}", "补充专报：{fields}"),
    "reviewed": (
        "reviewed: the cause is {cause}; actions: {actions}[; lessons: {lessons}]",
        "已评审：原因 {cause}；措施：{actions}[；经验：{lessons}]",
    ),
    "vendor_called": (
        "called vendor {vendor}[ (ticket {ticket})]: {note}[; its answer is due at {response_due_at}]"
        "[; its solution is due at {resolve_due_at}]",
        "已联系厂商 {vendor}[（单号 {ticket}）]：{note}[；应答期限 {response_due_at}][；解决期限 {resolve_due_at}]",
    ),
    "recall_proposed": (
        "everybody is busy: {person} might be recalled from {incident}",
        "人员均忙：建议从 {incident} 召回 {person}",
    ),
    "recalled": (
        "{person} was recalled for {for}: {reason}",
        "{person} 已被召回处理 {for}：{reason}",
    ),
    "desk_informed": (
        "the desk is informed[: vendor {vendor} was called][: the severity is {severity}]"
        "[: {wrote} has written][: tell {reporter} that it is out of scope][: handed over to {handed_to}]"
        "[: {persists}, which it repeats, persists]",
        "已告知服务台[：已联系厂商 {vendor}][：严重程度为 {severity}][：{wrote} 来信]"
        "[：请告知 {reporter} 不予受理][：已移交 {handed_to}][：其所重复的 {persists} 仍然存在]",
    ),
    "breach_expected": (
        "not expected to be resolved by {due_at}[: the estimate is {eta}][: nothing was written since {silent_since}]; "
        "step {step} comes now",
        "预计无法在 {due_at} 前解决[：预计完成 {eta}][：自 {silent_since} 起无更新]；立即执行步骤 {step}",
    ),
    "customer_told": ("customer {customer} was told ({notice})", "已通知客户 {customer}（{notice}）"),
    "customer_not_told": ("customer {customer} was not told: {by} held it", "未通知客户 {customer}：{by} 已拦截"),
    "notice_held": ("held back what customer {customer} was to be told", "拦截发给客户 {customer} 的通知"),
    "notice_released": ("released what customer {customer} is to be told", "放行发给客户 {customer} 的通知"),
    "notice_edited": ("wrote what customer {customer} is to be told", "改写发给客户 {customer} 的通知"),
    "vendor_proposed": ("a vendor might be called[: {vendors}]", "建议联系厂商[：{vendors}]"),
    "brief_drafted": ("the special brief is drafted[; to be verified: {missing}]", "专报已起草[；待核实：{missing}]"),
    "called_back": (
        "called back: reached: {reached}[; score {score}]; persists: {persists}[; {remark}]",
        "回访：接通 {reached}[；评分 {score}]；问题仍存在 {persists}[；{remark}]",
    ),
    "reopened": ("it persists: work starts again", "问题仍存在：重新开始处理"),
    "unsatisfied": ("score {score}: one level up is told", "评分 {score}：向上一级报告"),
    "clock_adopted": (
        "the wall clock was put right by {shift_s}: its moments were moved along",
        "系统时钟已校正 {shift_s}：其各时刻随之调整",
    ),
    "calendar_changed": (
        "the calendar {calendar} was changed: its moments are counted anew",
        "日历 {calendar} 已更改：其各时刻已重新计算",
    ),
    "step": (
        "step {step}: {outcome}[; told {told}][; nobody holds {holes}][; did {did}]",
        "步骤 {step}：{outcome}[；已通知 {told}][；无人担任 {holes}][；执行 {did}]",
    ),
    "page_sent": ("step {step}: {person} was told by {notifier}", "步骤 {step}：已通过 {notifier} 通知 {person}"),
    "page_failed": (
        "step {step}: {person} could not be told by {notifier}[: {reason}]",
        "步骤 {step}：无法通过 {notifier} 通知 {person}[：{reason}]",
    ),
    "fell_back": (
        "step {step}: no channel reaches {person}[; told instead: {to}]",
        "步骤 {step}：无法联系 {person}[；改为通知：{to}]",
    ),
}
"""What happened to an incident: the kinds of its timeline."""
