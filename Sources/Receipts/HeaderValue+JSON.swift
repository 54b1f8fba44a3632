import AMQP
import Bulletins

extension HeaderValue {
    init(_ json: JSONValue) {
        self =
            switch json {
            case .string(let text): .string(text)
            case .integer(let number): .integer(number)
            case .number(let number): .double(number)
            case .bool(let value): .boolean(value)
            case .null: .null
            case .array(let values): .array(values.map { HeaderValue($0) })
            case .object(let object):
                // Two names that differ in JSON may be equal as Swift strings.
                .table(Dictionary(object.members.map { ($0.key, HeaderValue($0.value)) }) { first, _ in first })
            }
    }
}
