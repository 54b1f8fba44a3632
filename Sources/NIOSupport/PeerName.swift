package import NIOSSL

/// Compares the names in a certificate with the requested host name (RFC 9525, section 6.3).
///
/// NIOSSL verifies the chain, but also accepts a certificate for the peer's IP address. An attacker who controls the
/// name's resolution would then need no certificate for the name. This check accepts DNS names only.
package enum PeerName {
    /// Whether one of the certificate's DNS names matches the host.
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

    /// Whether the pattern is the host name, or has a `*` in place of its whole first label. Case does not matter.
    package static func matches(_ host: String, pattern: String) -> Bool {
        let (host, pattern) = (host.lowercased(), pattern.lowercased())
        guard pattern.hasPrefix("*.") else { return pattern == host }
        let suffix = pattern.dropFirst()
        guard let dot = host.firstIndex(of: "."), dot > host.startIndex else { return false }
        // A wildcard below a top-level domain (`*.com`) matches nothing.
        return host[dot...] == suffix && suffix.dropFirst().contains(".")
    }
}
