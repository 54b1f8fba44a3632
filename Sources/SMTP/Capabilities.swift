/// What the relay offers in its reply to EHLO (RFC 5321 section 4.1.1.1).
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
    /// How large a message may be, in bytes; no limit is `Int.max`. Nil if sizes are not to be told (RFC 1870).
    var sizeLimit: Int?
    /// RFC 4954; in upper case.
    var mechanisms: Set<String> = []

    /// Nothing, as after HELO.
    init() {}

    /// From the lines of the reply; the first is the relay's greeting.
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
