/// The part of a host's name that somebody registered, by rule of thumb: so that one owner of many names counts as one.
package enum HostOwner {
    /// Labels below which countries register names: `jatimprov.go.id` is a name of its own, `go.id` is not.
    private static let categories: Set<Substring> = [
        "ac", "biz", "co", "com", "desa", "edu", "go", "gob", "gov", "mil", "my", "ne", "net", "or", "org", "ponpes",
        "sch", "web",
    ]

    /// The last two labels, or three below such as `go.id`; an address counts with its network (/24, or /48 of IPv6).
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
