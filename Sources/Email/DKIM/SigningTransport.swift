package import DeliveryEngine
package import Runtime

/// Signs mails before another transport hands them over. Wherever there is a processor free: an RSA signature takes so long
/// that an event loop would have no time for its connections.
package struct SigningTransport: MailTransport {
    private let signer: DKIMSigner
    private let transport: any MailTransport
    private let clock: WallClock

    package init(signer: DKIMSigner, transport: any MailTransport, clock: WallClock) {
        (self.signer, self.transport, self.clock) = (signer, transport, clock)
    }

    package func send(_ mail: OutgoingMail) async -> AttemptOutcome {
        do {
            var signed = mail
            signed.content = try signer.sign(mail.content, now: clock.now)
            return await transport.send(signed)
        } catch {
            // An unsigned mail would be taken for a forged one.
            return AttemptOutcome(.unavailable(pause: .seconds(60)), detail: "mails cannot be signed: \(error)")
        }
    }
}
