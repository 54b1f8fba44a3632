import Bulletins

// The JSON of each thing is the same for `--json` and for the HTTP API. An absent fact is null, so that programs find every
// member, unless the member makes no sense for the thing at all (a mailbox has no secret).

extension JSONValue {
    static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    static func time(_ time: Timestamp?) -> JSONValue { optional(time?.text) }
    static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    static func number(_ number: Int) -> JSONValue { .integer(Int64(number)) }
}
