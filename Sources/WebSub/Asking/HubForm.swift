/// The members of a form (`application/x-www-form-urlencoded`, WHATWG URL section 5.1) whose names begin with `hub.`.
///
/// The form is read strictly: whatever two readers could understand differently is rejected. Other members are ignored,
/// as WebSub asks.
struct HubForm {
    private var values: [String: String] = [:]

    private static let most = 100

    init(_ body: some Collection<UInt8>) throws(HubFault) {
        let parts = body.split(separator: UInt8(ascii: "&"))
        guard parts.count <= Self.most else {
            throw HubFault(.malformed, "the form has more than \(Self.most) members")
        }
        for part in parts {
            let end = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            let name = try Self.decode(part[..<end])
            guard name.hasPrefix("hub.") else { continue }
            guard values.updateValue(try Self.decode(part[end...].dropFirst()), forKey: name) == nil else {
                throw HubFault(.malformed, "the form has a member twice")
            }
        }
    }

    /// The value of a member; nil if it is missing or empty.
    subscript(_ name: String) -> String? {
        values[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func decode(_ bytes: some Collection<UInt8>) throws(HubFault) -> String {
        var decoded: [UInt8] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                    throw HubFault(.malformed, "a % is not followed by two hexadecimal digits")
                }
                decoded.append(high << 4 | low)
            default: decoded.append(byte)
            }
        }
        guard let text = String(validating: decoded, as: UTF8.self) else {
            throw HubFault(.malformed, "the form is not UTF-8")
        }
        return text
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
