/// Reads the members of one JSON object, and collects an error with its JSON pointer for each invalid one.
///
/// An invalid member is read as absent, so that reading continues and one pass finds all errors.
struct MemberReader {
    let object: JSONObject
    let path: String
    private(set) var errors: [BulletinError] = []
    /// Whether each member was read, by its index.
    private var isRead: [Bool]

    /// The most errors about unknown members. A body has room for tens of thousands.
    private static let maximumErrors = 1000
    /// The longest name in an error, in characters.
    private static let maximumNameLength = 128

    init(_ object: JSONObject, path: String) {
        (self.object, self.path) = (object, path)
        isRead = Array(repeating: false, count: object.members.count)
    }

    /// Reads a nested object with `read`. Its unknown members are errors.
    mutating func nested<T>(_ key: String, _ read: (inout MemberReader) -> T?) -> T? {
        guard let value = take(key) else { return nil }
        guard case .object(let object) = value else { return fail(key, "must be an object") }
        return nested(object, at: pointer(key), read)
    }

    mutating func nested<T>(_ object: JSONObject, at path: String, _ read: (inout MemberReader) -> T?) -> T? {
        var reader = MemberReader(object, path: path)
        let result = read(&reader)
        reader.rejectUnknown(exceptPrefix: nil)
        errors += reader.errors
        return result
    }

    /// Adds an error for each member that was not read.
    mutating func rejectUnknown(exceptPrefix prefix: String?) {
        for (index, (key, _)) in object.members.enumerated() where !isRead[index] {
            if let prefix, key.utf8.starts(with: prefix.utf8) { continue }
            guard errors.count < Self.maximumErrors else { return }
            addError(key, "is not a member of this object")
        }
    }

    private static func shortened(_ name: String) -> String {
        guard name.utf8.count > maximumNameLength else { return name }
        return String(name.unicodeScalars.prefix(maximumNameLength)) + "…"
    }

    /// Adds an error about a member; about the object itself if the key is empty.
    mutating func addError(_ key: String, _ problem: String) {
        let name = key.isEmpty ? "this" : Self.shortened(key)
        errors.append(BulletinError(key.isEmpty ? path : pointer(key), .schema, "\(name) \(problem)"))
    }

    mutating func fail<T>(_ key: String, _ problem: String) -> T? {
        addError(key, problem)
        return nil
    }

    /// The JSON pointer of a member (RFC 6901). A name longer than any known one is truncated: it could be as long as
    /// the body, and every error repeats it.
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

    /// Reads a member, which then counts as known.
    mutating func take(_ key: String) -> JSONValue? {
        guard let index = object.index(of: key) else { return nil }
        isRead[index] = true
        return object.members[index].value
    }

    func has(_ key: String) -> Bool { object[key] != nil }

    mutating func require(_ key: String) {
        if object[key] == nil { addError(key, "is missing") }
    }

    /// Adds an error at a JSON pointer.
    mutating func addError(path: String, _ problem: String) {
        errors.append(BulletinError(path, .schema, problem))
    }
}
