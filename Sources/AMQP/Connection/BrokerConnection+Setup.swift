internal import CRabbitMQ
internal import Glibc
internal import Wording

/// Opening the socket, TLS, the login and the channel.
extension BrokerConnection {
    /// Bytes per frame. Message properties travel in one frame, so this also limits a message's headers.
    private static let frameSize: Int32 = 128 * 1024

    func openSocket(_ settings: BrokerSettings) throws(AMQPError) {
        guard
            let socket = settings.tls == nil
                ? amqp_tcp_socket_new(state) : amqp_ssl_socket_new(state)
        else { throw failure("out of memory") }
        if let tls = settings.tls { try secure(socket, tls) }
        var limit = timeval(settings.connectTimeout)
        let status = amqp_socket_open_noblock(socket, address.host, Int32(address.port), &limit)
        guard status != AMQP_STATUS_OK.rawValue else { return }
        let isTLS = (AMQP_STATUS_SSL_SET_ENGINE_FAILED.rawValue...AMQP_STATUS_SSL_ERROR.rawValue)
            .contains(status)
        throw isTLS ? tlsFailure(Self.explain(status)) : failure(reason(status, limit: settings))
    }

    private func secure(_ socket: OpaquePointer, _ tls: BrokerTLSSettings) throws(AMQPError) {
        let authorities = tls.caFile ?? BrokerTLSSettings.systemAuthorities
        guard amqp_ssl_socket_set_cacert(socket, authorities) == AMQP_STATUS_OK.rawValue else {
            throw tlsFailure("the authorities in \(authorities) cannot be loaded")
        }
        if let certificate = tls.certificateFile {
            let key = tls.keyFile ?? certificate
            guard amqp_ssl_socket_set_key(socket, certificate, key) == AMQP_STATUS_OK.rawValue
            else {
                throw tlsFailure("the client certificate \(certificate) or its key cannot be loaded")
            }
        }
        amqp_ssl_socket_set_verify_peer(socket, 1)
        amqp_ssl_socket_set_verify_hostname(socket, 1)
        let status = amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        guard status == AMQP_STATUS_OK.rawValue else { throw tlsFailure(Self.explain(status)) }
    }

    func login(_ settings: BrokerSettings) throws(AMQPError) {
        var limit = timeval(settings.connectTimeout)
        amqp_set_handshake_timeout(state, &limit)
        amqp_set_rpc_timeout(state, &limit)
        var properties = writer.table(Self.clientProperties(settings))
        let heartbeat = Int32(clamping: max(1, settings.heartbeat.components.seconds))
        let reply = crabbitmq_login_plain(
            state, settings.virtualHost, Self.frameSize, heartbeat, &properties, settings.username,
            settings.password)
        writer.recycle()
        switch RequestFailure(reply) {
        case nil: return
        case .some(let failed) where failed.code == nil:
            throw failure("during the login: \(failed.text)")
        case .some(let failed):
            throw .loginRefused(address: address.description, reason: failed.text)
        }
    }

    /// Capabilities that librabbitmq does not announce by itself. Without them the broker reports neither a deleted
    /// queue nor a memory alarm.
    private static func clientProperties(_ settings: BrokerSettings) -> [String: HeaderValue] {
        let capabilities: [String: HeaderValue] = [
            "authentication_failure_close": true, "basic.nack": true, "connection.blocked": true,
            "consumer_cancel_notify": true, "publisher_confirms": true,
        ]
        return [
            "connection_name": .string(settings.connectionName),
            "capabilities": .table(capabilities),
        ]
    }

    /// Opens the channel, for the first time or after the broker has closed it.
    func openChannel() throws(AMQPError) {
        amqp_channel_open(state, Self.channel)
        if let failed = takeFailure() { throw failure("no channel: \(failed.text)") }
    }

    private func failure(_ reason: String) -> AMQPError {
        .connectFailed(address: address.description, reason: reason)
    }

    private func tlsFailure(_ reason: String) -> AMQPError {
        .tlsFailed(address: address.description, reason: reason)
    }

    private func reason(_ status: Int32, limit settings: BrokerSettings) -> String {
        status == AMQP_STATUS_TIMEOUT.rawValue
            ? "no answer within \(settings.connectTimeout.spoken)" : Self.explain(status)
    }
}
