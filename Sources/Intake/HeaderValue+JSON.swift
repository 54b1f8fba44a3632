import AMQP
import Bulletins

extension HeaderValue {
    /// The value as JSON; nil if JSON has no equivalent.
    var json: JSONValue? {
        switch self {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        case .timestamp(let seconds): .integer(Int64(clamping: seconds))
        case .double(let number): number.isFinite ? .number(number) : nil
        case .boolean(let value): .bool(value)
        case .null: .null
        case .bytes: nil
        case .array(let values): .array(values.compactMap(\.json))
        case .table(let values):
            .object(JSONObject(unique: values.compactMap { name, value in value.json.map { (name, $0) } }))
        }
    }
}
