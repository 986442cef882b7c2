import type { CloudTokens } from './cloud/tokens.ts';
import { codeOf } from './failures.ts';
import type { Transport } from './http/transport.ts';
import type { Oras } from './oci/oras.ts';

/** A token of a cloud that a registry refuses is not sent again: it may have been revoked before its time. */
export function forgettingRefused(oras: Oras, clouds: CloudTokens): Oras {
  const watch = async <T>({ login }: Transport, answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (login?.provider !== undefined && codeOf(error) === 'AuthRejected') clouds.forget(login);
      throw error;
    }
  };
  return {
    listTags: (request) => watch(request.transport, oras.listTags(request)),
    announce: (request) => watch(request.transport, oras.announce(request)),
    fetchLayer: (request, layer) => watch(request.transport, oras.fetchLayer(request, layer)),
    checkLogin: (request) => watch(request.transport, oras.checkLogin(request)),
  };
}
