package import Bulletins
package import Storage

extension DeliveryRow {
    package var json: JSONObject {
        [
            "id": .integer(number), "bulletin": .string(bulletin.description), "revision": .integer(revision),
            "channel": .string(channel), "endpoint": .string(address), "state": .string(state.rawValue),
            "attempts": .number(attempts), "dueAt": .time(dueAt), "finishedAt": .time(finishedAt),
            "digestAt": .time(digestAt), "code": .optional(code), "detail": .optional(detail),
            "subscription": .integer(subscription), "region": .string(region.code), "field": .string(field),
        ]
    }
}

extension AttemptRow {
    package var json: JSONObject {
        [
            "number": .number(number), "startedAt": .time(startedAt), "durationMs": .integer(duration),
            "outcome": .string(outcome), "code": .optional(code), "detail": .optional(detail),
        ]
    }
}

extension BounceRow {
    package var json: JSONObject {
        [
            "receivedAt": .time(receivedAt), "kind": .string(bounce.kind.rawValue),
            "status": .optional(bounce.status), "detail": .optional(bounce.detail),
        ]
    }
}

extension DeliveryView {
    /// The row with its attempts in `attemptsMade`; `attempts` is their number.
    package var json: JSONObject {
        var object = row.json
        object["attemptsMade"] = .array(attempts.map { .object($0.json) })
        object["bounces"] = .array(bounces.map { .object($0.json) })
        return object
    }
}

extension DeliveryCount {
    package var json: JSONObject {
        ["channel": .string(channel), "state": .string(state), "count": .number(count)]
    }
}
