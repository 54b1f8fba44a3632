import Bulletins

/// The errors of a refusal as a header has room for them: a header may be large, but not without bounds. The store keeps all.
struct ErrorsHeader {
    /// A JSON list of `{path, code, message}`, as many whole ones as there is room for.
    let text: String
    /// How many there was no room for.
    let leftOut: Int

    /// Bytes. A frame of the connection has 128 KiB, in which the message's own headers are too.
    static let room = 65_536

    /// `errors` is the list as JSON.
    init(_ errors: String) {
        guard errors.utf8.count > Self.room, let all = (try? JSONParser.parse(Array(errors.utf8)))?.arrayValue else {
            (text, leftOut) = (errors, 0)
            return
        }
        var kept: [String] = []
        var size = 2
        for error in all {
            let text = JSONWriter.text(error)
            size += text.utf8.count + 1
            guard size <= Self.room else { break }
            kept.append(text)
        }
        // One that is too large by itself is cut, so that its code is told.
        if kept.isEmpty, let first = all.first { kept = [Self.cut(first)] }
        text = "[" + kept.joined(separator: ",") + "]"
        leftOut = all.count - kept.count
    }

    private static func cut(_ error: JSONValue) -> String {
        func start(_ name: String) -> JSONValue { .string(String((error[name]?.stringValue ?? "").prefix(1000))) }
        return JSONWriter.text(["path": start("path"), "code": start("code"), "message": start("message")])
    }
}
