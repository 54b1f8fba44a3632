/// Parses the host of a URL (RFC 3986 section 3.2.2): a name, a dotted quad or an IPv6 address.
enum HostSyntax {
    /// The host in lower case and without brackets, as it is looked up and compared.
    static func host(_ text: Substring) throws(URLFault) -> String {
        guard !text.isEmpty else { throw URLFault("it has no host") }
        if text.hasPrefix("[") { return try bracketed(text.dropFirst().dropLast()) }
        let name = text.lowercased()
        if endsInNumber(name) {
            guard let address = IPAddress(name), address.isIPv4 else {
                throw URLFault("the host is a number but not an IPv4 address as a.b.c.d")
            }
            return name
        }
        try checkName(name)
        return name
    }

    private static func bracketed(_ text: Substring) throws(URLFault) -> String {
        guard !text.contains("%") else { throw URLFault("a zone id is not allowed") }
        guard text.contains(":"), let address = IPAddress(String(text)) else {
            throw URLFault("the text in brackets is not an IPv6 address")
        }
        return address.description
    }

    /// Checks a name against RFC 1123 section 2.1: labels of letters, digits and hyphens.
    private static func checkName(_ name: String) throws(URLFault) {
        guard name.utf8.count <= 253 else { throw URLFault("the host is too long") }
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        for label in labels {
            guard (1...63).contains(label.count) else {
                throw URLFault("a label of the host is empty or longer than 63 bytes")
            }
            guard label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-"),
                label.allSatisfy(isNameByte)
            else { throw URLFault("the host contains a character that host names cannot have") }
        }
    }

    /// Whether the C library could read the host as an IPv4 address in one of its old spellings (`0x7f.1`,
    /// `2130706433`, `0177.0.0.1`). All of them end in a number (WHATWG URL, "ends in a number"), and no top-level
    /// domain does. A trailing dot hides none of them.
    private static func endsInNumber(_ name: String) -> Bool {
        let trimmed = name.hasSuffix(".") ? name.dropLast() : name[...]
        let last = trimmed.utf8.suffix(while: { $0 != UInt8(ascii: ".") })
        guard !last.isEmpty else { return false }
        if last.allSatisfy({ (0x30...0x39).contains($0) }) { return true }
        return last.starts(with: "0x".utf8) && last.dropFirst(2).allSatisfy(isHex)
    }

    static func isHex(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"): true
        default: false
        }
    }
}

extension BidirectionalCollection {
    fileprivate func suffix(while isIncluded: (Element) -> Bool) -> SubSequence {
        guard let last = lastIndex(where: { !isIncluded($0) }) else { return self[...] }
        return self[index(after: last)...]
    }
}

/// The registered part of a host name, found by rule of thumb, so that all names of one owner count as one.
package enum HostOwner {
    /// Second-level labels under which countries register names: `jatimprov.go.id` has an owner, `go.id` has none.
    private static let categories: Set<Substring> = [
        "ac", "biz", "co", "com", "desa", "edu", "go", "gob", "gov", "mil", "my", "ne", "net", "or", "org", "ponpes",
        "sch", "web",
    ]

    /// The last two labels, or the last three under a label such as `go.id`. An address counts as its network: /24,
    /// or /48 for IPv6.
    package static func name(of host: String) -> String {
        if let address = IPAddress(host) {
            return address.isIPv4 ? "4.\(address.value >> 8)" : "6.\(address.value >> 80)"
        }
        let labels = host.lowercased().split(separator: ".")
        let isBelowCategory =
            labels.count > 2 && labels[labels.count - 1].utf8.count == 2
            && categories.contains(labels[labels.count - 2])
        return labels.suffix(isBelowCategory ? 3 : 2).joined(separator: ".")
    }
}
