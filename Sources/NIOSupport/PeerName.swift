package import NIOSSL

/// Whether a certificate is made out to a name (RFC 9525 section 6.3).
///
/// NIOSSL verifies the chain, but takes a certificate for the peer's IP address in place of one
/// for the name that was asked for. Then whoever answers for a name with an address of their own
/// would need no certificate for the name. So a name is compared once more, with names only.
package enum PeerName {
    package static func matches(_ host: String, _ certificate: NIOSSLCertificate?) -> Bool {
        guard let certificate else { return false }
        return certificate._subjectAlternativeNames().contains { name in
            guard name.nameType == .dnsName else { return false }
            let pattern = name.contents.withUnsafeBufferPointer {
                String(decoding: $0, as: UTF8.self)
            }
            return matches(host, pattern: pattern)
        }
    }

    /// The same name, or a `*` in place of the whole first label. Case does not matter.
    package static func matches(_ host: String, pattern: String) -> Bool {
        let (host, pattern) = (host.lowercased(), pattern.lowercased())
        guard pattern.hasPrefix("*.") else { return pattern == host }
        let suffix = pattern.dropFirst()
        guard let dot = host.firstIndex(of: "."), dot > host.startIndex else { return false }
        // A star never stands for a part of a top-level domain.
        return host[dot...] == suffix && suffix.dropFirst().contains(".")
    }
}
