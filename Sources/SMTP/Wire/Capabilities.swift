/// The extensions that the relay lists in its reply to EHLO (RFC 5321 section 4.1.1.1).
struct Capabilities: Equatable {
    /// RFC 2920.
    var pipelining = false
    /// RFC 3030.
    var chunking = false
    /// RFC 3207.
    var startTLS = false
    /// RFC 6152.
    var eightBitMIME = false
    /// RFC 6531.
    var smtpUTF8 = false
    /// RFC 3461.
    var dsn = false
    /// The maximum size of a message in bytes, `Int.max` if the relay states no limit. Nil if it does not support
    /// SIZE (RFC 1870).
    var sizeLimit: Int?
    /// The AUTH mechanisms in upper case (RFC 4954).
    var mechanisms: Set<String> = []

    /// No extensions, as after HELO.
    init() {}

    /// Reads the lines of the reply. The first line is the relay's greeting.
    init(lines: [String]) {
        for line in lines.dropFirst() {
            // Old servers write AUTH=LOGIN.
            let words = line.uppercased().split { $0 == " " || $0 == "=" }.map(String.init)
            switch words.first {
            case "PIPELINING": pipelining = true
            case "CHUNKING": chunking = true
            case "STARTTLS": startTLS = true
            case "8BITMIME": eightBitMIME = true
            case "SMTPUTF8": smtpUTF8 = true
            case "DSN": dsn = true
            case "SIZE": sizeLimit = words.dropFirst().first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? .max
            case "AUTH": mechanisms.formUnion(words.dropFirst())
            default: break
            }
        }
    }
}
