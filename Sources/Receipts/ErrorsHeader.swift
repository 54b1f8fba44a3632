import Bulletins

/// The errors of a rejected message, cut to the room that a header has. The store keeps all of them.
struct ErrorsHeader {
    /// A JSON list of `{path, code, message}`, with as many whole errors as there is room for.
    let text: String
    /// The number of errors that did not fit.
    let leftOut: Int

    /// The room in bytes. A frame of the connection holds 128 KiB, and the message's own headers share it.
    static let room = 65_536

    /// `errors` is the whole list as JSON.
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
        // An error that is too large on its own is cut, so that at least its code arrives.
        if kept.isEmpty, let first = all.first { kept = [Self.cut(first)] }
        text = "[" + kept.joined(separator: ",") + "]"
        leftOut = all.count - kept.count
    }

    private static func cut(_ error: JSONValue) -> String {
        func start(_ name: String) -> JSONValue { .string(String((error[name]?.stringValue ?? "").prefix(1000))) }
        return JSONWriter.text(["path": start("path"), "code": start("code"), "message": start("message")])
    }
}
