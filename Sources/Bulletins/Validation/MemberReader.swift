/// Reads the members of one JSON object and notes everything that is not of its form, with its
/// JSON pointer. A member that is wrong reads as absent, so that reading goes on to the next error.
struct MemberReader {
    let object: JSONObject
    let path: String
    private(set) var errors: [BulletinError] = []
    /// Which of the members, by their places, were asked for.
    private var isKnown: [Bool]

    /// A body has room for tens of thousands, and no more are told.
    private static let mostErrors = 1000
    private static let longestName = 128

    init(_ object: JSONObject, path: String) {
        (self.object, self.path) = (object, path)
        isKnown = Array(repeating: false, count: object.members.count)
    }

    /// The members of a nested object, read by `read`.
    mutating func nested<T>(_ key: String, _ read: (inout MemberReader) -> T?) -> T? {
        guard let value = take(key) else { return nil }
        guard case .object(let object) = value else { return fail(key, "must be an object") }
        return nested(object, at: pointer(key), read)
    }

    mutating func nested<T>(_ object: JSONObject, at path: String, _ read: (inout MemberReader) -> T?) -> T? {
        var reader = MemberReader(object, path: path)
        let result = read(&reader)
        reader.refuseUnknown(exceptPrefix: nil)
        errors += reader.errors
        return result
    }

    /// Notes what the object has beside the members that were asked for.
    mutating func refuseUnknown(exceptPrefix prefix: String?) {
        for (place, (key, _)) in object.members.enumerated() where !isKnown[place] {
            if let prefix, key.utf8.starts(with: prefix.utf8) { continue }
            guard errors.count < Self.mostErrors else { return }
            note(key, "is no member of this object")
        }
    }

    private static func shortened(_ name: String) -> String {
        guard name.utf8.count > longestName else { return name }
        return String(name.unicodeScalars.prefix(longestName)) + "…"
    }

    mutating func note(_ key: String, _ problem: String) {
        let name = key.isEmpty ? "this" : Self.shortened(key)
        errors.append(BulletinError(key.isEmpty ? path : pointer(key), .schema, "\(name) \(problem)"))
    }

    private mutating func fail<T>(_ key: String, _ problem: String) -> T? {
        note(key, problem)
        return nil
    }

    /// The JSON pointer of a member (RFC 6901). A name longer than any of ours is cut: it may fill the body, and
    /// stands in each error.
    func pointer(_ key: String) -> String {
        let key = Self.shortened(key)
        var escaped = path.unicodeScalars
        escaped.append("/")
        for scalar in key.unicodeScalars {
            switch scalar {
            case "~": escaped.append(contentsOf: "~0".unicodeScalars)
            case "/": escaped.append(contentsOf: "~1".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }

    mutating func take(_ key: String) -> JSONValue? {
        guard let place = object.index(of: key) else { return nil }
        isKnown[place] = true
        return object.members[place].value
    }

    func has(_ key: String) -> Bool { object[key] != nil }

    mutating func require(_ key: String) {
        if object[key] == nil { note(key, "is missing") }
    }

    /// A text of 1 to `limit` characters (Unicode code points) without control characters but those allowed.
    mutating func text(_ key: String, limit: Int, allowing: [UInt8] = [], minimum: Int = 1) -> String? {
        guard let value = take(key) else { return nil }
        guard case .string(let text) = value else { return fail(key, "must be a string") }
        return check(text, key: key, limit: limit, allowing: allowing, minimum: minimum)
    }

    private mutating func check(_ text: String, key: String, limit: Int, allowing: [UInt8], minimum: Int) -> String? {
        let isLong = text.utf8.count > limit && text.unicodeScalars.count > limit
        if isLong { return fail(key, "is longer than \(limit) characters") }
        if minimum > 0 && text.isEmpty { return fail(key, "is empty") }
        if Grammar.hasControls(text, allowing: allowing) {
            return fail(
                key, allowing.isEmpty ? "must be one line without control characters" : "holds a control character")
        }
        // In a body they are dropped as it is rendered. The text stays with its problem: stores hold bulletins that were
        // accepted before this rule, and these keep their titles.
        if allowing.isEmpty, let problem = Grammar.fault(ofLine: text, mayBeBlank: minimum == 0) { note(key, problem) }
        return text
    }

    /// A text that `isValid` takes.
    mutating func text(_ key: String, like form: String, _ isValid: (String) -> Bool) -> String? {
        guard let value = take(key) else { return nil }
        guard case .string(let text) = value, isValid(text) else { return fail(key, "must be \(form)") }
        return text
    }

    mutating func choice<T: RawRepresentable & CaseIterable>(_ key: String, _: T.Type) -> T?
    where T.RawValue == String {
        guard let value = take(key) else { return nil }
        guard case .string(let text) = value, let choice = T(rawValue: text) else {
            return fail(key, "must be one of " + T.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    mutating func choice(_ key: String, of choices: [String]) -> String? {
        text(key, like: "one of " + choices.joined(separator: ", ")) { choices.contains($0) }
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = take(key) else { return nil }
        guard case .integer(let number) = value, range.contains(number) else {
            return fail(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func timestamp(_ key: String) -> Timestamp? {
        guard let value = take(key) else { return nil }
        guard case .string(let text) = value, let timestamp = Timestamp(text) else {
            return fail(key, "must be an RFC 3339 time with its offset, such as 2026-11-23T10:15:00+07:00")
        }
        return timestamp
    }

    mutating func day(_ key: String) -> CalendarDay? {
        guard let value = take(key) else { return nil }
        guard case .string(let text) = value, let day = CalendarDay(text) else {
            return fail(key, "must be a date, such as 2026-11-23")
        }
        return day
    }

    /// A list of `limits` elements, each read by `read` with its pointer.
    mutating func list<T>(
        _ key: String, _ limits: ClosedRange<Int>, _ read: (JSONValue, _ path: String, inout MemberReader) -> T?
    ) -> [T]? {
        guard let value = take(key) else { return nil }
        guard case .array(let elements) = value else { return fail(key, "must be a list") }
        guard limits.contains(elements.count) else {
            return fail(key, "must have \(limits.lowerBound) to \(limits.upperBound) elements, not \(elements.count)")
        }
        var found: [T] = []
        for (index, element) in elements.enumerated() {
            if let read = read(element, "\(pointer(key))/\(index)", &self) { found.append(read) }
        }
        return found
    }

    mutating func note(path: String, _ problem: String) {
        errors.append(BulletinError(path, .schema, problem))
    }
}
