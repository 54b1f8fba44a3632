import Storage
import Bulletins
import DeliveryEngine
import Email
import Runtime
import SMTP

/// Email over relays or into a Maildir, with the notices to owners and the intake of bounces.
struct EmailModule: ChannelModule {
    func parts(in assembly: ChannelAssembly) throws -> ChannelParts {
        let (settings, context) = (assembly.settings.email, assembly.context)
        let mail = MailSettings(assembly)
        let composer = try MailComposer(settings: mail, registries: assembly.registries)
        let relays = try relays(assembly)
        let transport = try transport(mail, relays, assembly)
        let channel = EmailChannel(
            composer: composer, transport: transport, timeZones: assembly.registries.timeZones,
            concurrency: Self.concurrency(settings), isPaced: settings.rate > 0)
        var parts = ChannelParts(channel: channel)
        parts.retry = settings.retry
        parts.hosts = HostLimits(
            concurrency: channel.concurrency, endpointConcurrency: channel.concurrency, rate: settings.rate)
        parts.companions = [
            (
                "notices",
                NoticeService(
                    store: assembly.store, composer: composer, transport: transport,
                    operators: assembly.settings.operators, schedule: settings.retry, context: context)
            )
        ]
        if let relays { parts.foundations = [("relays", RelayService(client: relays))] }
        if let address = settings.bounces {
            let intake = BounceIntake(store: assembly.store, mailboxes: settings.intakeMailboxes, clock: context.clock)
            parts.listeners = [
                (
                    "bounces",
                    BounceListener(host: address.host, port: address.port, intake: intake, logger: context.logger)
                )
            ]
        }
        return parts
    }

    /// The number of attempts, which exceeds that of connections: the commands of one message travel together with the
    /// content of the message before.
    private static func concurrency(_ settings: Settings.Email) -> Int {
        settings.relays.first.map { $0.maximumConnections * 4 } ?? 1
    }

    private func relays(_ assembly: ChannelAssembly) throws -> SMTPClient? {
        let relays = assembly.settings.email.relays
        guard !relays.isEmpty else { return nil }
        return try SMTPClient(relays: relays, eventLoopGroup: assembly.loops, logger: assembly.context.logger)
    }

    private func transport(_ mail: MailSettings, _ relays: SMTPClient?, _ assembly: ChannelAssembly) throws
        -> any MailTransport
    {
        let settings = assembly.settings.email
        let transport: any MailTransport =
            if let relays { SMTPTransport(client: relays) } else { try MaildirTransport(path: settings.folder) }
        guard !settings.keys.isEmpty else { return transport }
        let signer = DKIMSigner(domain: mail.domain, keys: settings.keys)
        return SigningTransport(signer: signer, transport: transport, clock: assembly.context.clock)
    }
}

extension MailSettings {
    fileprivate init(_ assembly: ChannelAssembly) {
        let settings = assembly.settings.email
        self.init(
            from: settings.from, fromName: settings.fromName, publicURL: assembly.settings.http.publicURL,
            storeID: assembly.storeID, bounceKey: assembly.store.bounceKey)
        namesPublishers = settings.fromName == Settings.Email.ownName
        variesReturnPaths = settings.variesReturnPaths
        unsubscribeAddress = settings.unsubscribeAddress
    }
}
