"""Where a webhook may go. Pure.

Whoever may write a target's URL could otherwise make this server call what only this server reaches: the database's
machine, a router's page, the cloud's store of credentials.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
# Where clouds answer with credentials, besides 169.254.169.254, which is link-local: some are global, some private.
_METADATA = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPolicy:
    """What the department allows. Hosts are lower-case ASCII."""

    allowed_hosts: frozenset[str]
    plain_http: bool = False
    private_networks: bool = False

    def refuse_url(self, scheme: str, host: str) -> str | None:
        """Why nothing may be sent there, for a person; None when it may."""
        if host not in self.allowed_hosts:
            return f"{host} is not in allowed_hosts"
        if scheme != "https" and not (scheme == "http" and (self.plain_http or is_loopback(host))):
            return f"{scheme}:// to {host} is not allowed; expected https://"
        return None

    def refuse_address(self, host: str, address: str) -> str | None:
        """Why `host` may not be reached at `address`, one that its name resolves to; None when it may.

        Our own machine is reached only under its own name: another's name that leads here is an attack or a mistake.
        """
        meant = _meant(address)
        if meant is None:
            return f"{host} resolves to something that is no address"
        if meant in _METADATA:
            return f"{host} resolves to {address}, where a cloud keeps credentials"
        if _is_global(meant):
            return None
        if not any(meant in network for network in _PRIVATE) and not (meant.is_loopback and is_loopback(host)):
            return f"{host} resolves to {address}, which is never allowed"
        return None if self.private_networks else f"{host} resolves to {address}: set private_networks to allow it"


def is_loopback(host: str) -> bool:
    """Whether `host` itself says that it is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_global(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False  # Python calls what IPv6 has reserved or given up global
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _meant(address: str) -> Address | None:
    """The address that a packet would arrive at: an IPv6 one may wrap an IPv4 one. None when it is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed
    if parsed in _NAT64:
        return ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
    return parsed.ipv4_mapped or parsed.sixtofour or parsed
