/// Reading members of each type.
extension MemberReader {
    /// Reads a text of `minimum` to `limit` characters (Unicode code points). Control characters are errors, except
    /// those in `allowing`.
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
                key, allowing.isEmpty ? "must be one line without control characters" : "contains a control character")
        }
        // Rendering removes hostile characters from a body. The text is returned in spite of its error, because stores
        // contain bulletins that were accepted before this rule, and those keep their titles.
        if allowing.isEmpty, let problem = Grammar.fault(ofLine: text, mayBeBlank: minimum == 0) {
            addError(key, problem)
        }
        return text
    }

    /// Reads a text that `isValid` accepts; `form` describes such a text.
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
            return fail(key, "must be an RFC 3339 time with its offset, for example 2026-11-23T10:15:00+07:00")
        }
        return timestamp
    }

    mutating func day(_ key: String) -> CalendarDay? {
        guard let value = take(key) else { return nil }
        guard case .string(let text) = value, let day = CalendarDay(text) else {
            return fail(key, "must be a date, for example 2026-11-23")
        }
        return day
    }

    /// Reads an array, each element with its JSON pointer. `limits` is the allowed number of elements.
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
}
